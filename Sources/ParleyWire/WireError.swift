/// Why bytes are not what this protocol allows: always the fault of whoever made them.
///
/// The reaction to every code is the same: drop the connection that carried the bytes, change
/// nothing, and count the reason where `parley status` shows it. A record's contents never appear.
package struct WireError: Error, Hashable, Sendable {
    package enum Code: Error, Hashable, Sendable {
        /// The bytes end before the value does.
        case truncated(needed: Int)
        /// Bytes follow where the value must have ended.
        case trailing(bytes: Int)
        /// A varint longer than it needs to be, or longer than 64 bits.
        case varintMalformed
        /// A number outside the range this place allows.
        case outOfRange(Field)
        /// A frame longer than its limit, refused before it is held.
        case frameTooLarge(bytes: Int, limit: Int)
        /// A frame without even a tag.
        case frameEmpty
        /// One of the limits of the table in Protocol/parley-1.md is exceeded.
        case limitExceeded(Limit)
        /// A list that must be sorted without repeats is not.
        case unsorted(Field)
        /// A name, origin or shape is listed but nothing refers to it.
        case unused(Field)
        /// A reference to an entry beyond the end of its list.
        case noSuchIndex(Field)
        /// Text that must be a field or type name is not one.
        case nameMalformed
        /// Text that must be UTF-8 is not.
        case textMalformed
        /// Bits that must be zero in this version.
        case reservedBits
        /// A column encoding this version doesn't know.
        case unknownColumn(tag: UInt8)
        /// A preset dictionary this version doesn't know.
        case unknownDictionary(number: UInt8)
        /// The deflate stream is damaged, or longer or shorter than announced.
        case deflateMalformed
        /// A change that breaks a rule about what operations may say.
        case ruleBroken(Rule)
    }

    /// What a list or number is about, for messages and tests.
    package enum Field: String, Sendable {
        case name, origin, shape, sequence, time, counter, tip, context, salt, run, subject
        case content, role, flag, version, casebook, change, value
        case groupIndex = "group index"
        case valueTag = "value tag"
    }

    package enum Limit: String, Sendable {
        case changes, groups, operations, values, drops, tips, casebooks, words, salts
        case batchBytes = "batch bytes"
        case columnBytes = "column bytes"
        case inflatedBytes = "inflated bytes"
        case changeBytes = "change bytes"
        case expandedBytes = "expanded bytes"
        case valueBytes = "value bytes"
        case textBytes = "text bytes"
    }

    /// The rules a change must keep, see Protocol/parley-1.md "Rules for changes".
    package enum Rule: String, Sendable {
        /// A known kind of group with a subject or content that kind never has.
        case groupForm = "group form"
        /// A record is created without a type, or something else has one.
        case type
        /// An operation names a field where its kind has none, or the other way round.
        case field
        /// The number or kind of an operation's values.
        case values
        /// An erased value in an operation whose values have no salts of their own.
        case erasedWithoutSalt = "erased without salt"
        /// Dots named by an operation that is no resolution, or a resolution without any.
        case drops
        /// A cell written twice in one group.
        case cellWrittenTwice = "cell written twice"
        /// A record with two groups in one change.
        case recordTwice = "record twice"
        /// A reference to the change itself or a later one of the same origin.
        case referenceAhead = "reference ahead"
        /// An author's context that lists the author's own log.
        case ownOrigin = "own origin"
    }

    package let code: Code
    /// Byte where decoding stopped, counted from the start of the payload, batch or inflated body.
    package let offset: Int

    package init(_ code: Code, offset: Int) {
        self.code = code
        self.offset = offset
    }
}
