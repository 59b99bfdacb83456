import GRDB
import GRDBSQLite
package import ParleyCRDT
package import ParleyLog

/// Why a store couldn't do what was asked. Record contents never appear in it.
package enum StoreError: Error, Equatable, Sendable {
    /// A commit failed in a way that leaves its outcome unknown. Nothing more is served; restart,
    /// read the log's head back, and never reuse the dot.
    case stopped
    /// Something was copied over the file while it was open. Nothing more is served; opened again the
    /// casebook goes on in a new epoch.
    case replaced
    /// The store was closed.
    case closed
    /// The disk is full. The write was rolled back and the store goes on serving.
    case full
    /// The connection doesn't have a setting that durability rests on. Nothing is opened.
    case setting(String, expected: String, found: String)
    /// The file was written by a newer version. Upgrade before opening it.
    case newerFormat(Int)
    /// The file is no casebook, or is damaged.
    case damaged(String)
    /// A batch doesn't begin where the held log ends. Ask again from the held clock.
    case gap(Origin)
    /// This node isn't a member, or not one who may write this.
    case notPermitted
    /// A log begins with a change whose author isn't a member by that change's own context.
    case strangersLog(Origin)
    /// More logs wait for their causes, or there are more in all, than this store takes. The peer
    /// may try again later.
    case tooManyLogs
    /// The batch belongs to another casebook.
    case wrongCasebook
    /// A change of more than the format allows.
    case tooLarge
    /// A group names a record this store doesn't hold.
    case unknownRecord
    case invitationUnknown
    case invitationExpired
    case invitationUsed
    /// The log refused what was to be written.
    case log(LogError)
    /// Anything else SQLite reports, by its extended result code.
    case database(code: Int32, message: String)
}

extension StoreError {
    /// What the connection reports after a failed call.
    static func current(_ db: Database, code: Int32) -> StoreError {
        let message = String(cString: sqlite3_errmsg(db.sqliteConnection))
        switch code & 0xff {
        case SQLITE_FULL: return .full
        case SQLITE_NOTADB, SQLITE_CORRUPT: return .damaged(message)
        default: return .database(code: code, message: message)
        }
    }

    /// Translates what crosses the border to GRDB.
    static func translating(_ error: any Error) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        switch error.resultCode {
        case .SQLITE_FULL: return StoreError.full
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            return StoreError.damaged(error.message ?? "not a database")
        default:
            return StoreError.database(
                code: error.extendedResultCode.rawValue, message: error.message ?? "")
        }
    }
}
