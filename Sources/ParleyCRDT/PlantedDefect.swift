#if DEBUG
    import Glibc

    /// Defects that can be switched on, to see that the tests would notice them: one at a time, by the
    /// environment of a test run. `Scripts/planted` plants each and demands that tests fail.
    ///
    /// None of this is in a release build, nor are the places that ask.
    package enum PlantedDefect: String, CaseIterable, Sendable {
        /// A backup that is restored, or a copy, goes on in the log it finds.
        case restoreKeepsEpoch
        /// What a failed write has counted isn't taken back.
        case counterSurvivesFailure
        /// What a failed batch has moved the clock to isn't taken back.
        case clockSurvivesFailure
        /// A remove takes effect whatever its author had seen.
        case removeWithoutContext
        /// Of several values one survives.
        case lastWriteWins
        /// A delete is forgotten after 30 days.
        case tombstoneExpires
        /// An erasure is forgotten after 30 days.
        case erasureExpires
        /// Clocks are told apart by their counters alone.
        case helloComparesCounters
        /// A batch counts as signed by whoever it names.
        case signatureUnchecked
        /// How far a peer may move the clock is read in another unit.
        case leadInOtherUnit
        /// A change is applied whatever its author had seen and isn't here.
        case noCausalGate
        /// A commit isn't synced.
        case lazySync
        /// Somebody is told that an edit is in before it is durable.
        case replyBeforeCommit
        /// What is hashed follows the order of a dictionary.
        case digestIteratesDictionary
        /// The index of the write-ahead log is a file that is mapped into memory.
        case sharedIndex
        /// A cut makes void only what comes after it.
        case cutSparesWhatCameFirst
        /// A change that lacks something is applied on whoever's word relays it.
        case stubTakenOnTrust
        /// A run that repeats what is held takes its place, whatever it lacks.
        case poorerRunReplaces
        /// What erased values could be guessed by stays.
        case seedStays
        /// An erasure is called done while the journal still has it.
        case receiptBeforeCut
        /// An invitation works more than once.
        case invitationStaysGood
        /// A guest stays when who spoke for it is gone.
        case guestStays
        /// Erasures are counted for each key, however many keys there are.
        case brakePerKey
        /// A count is believed before there are bytes for it.
        case countTrusted
        /// What a stream inflates to is counted when it has been inflated.
        case inflatedWithoutBound

        private static let planted: PlantedDefect? = getenv("PARLEY_DEFECT").flatMap {
            guard let defect = PlantedDefect(rawValue: String(cString: $0)) else {
                fatalError("PARLEY_DEFECT names no defect")
            }
            return defect
        }

        package var isPlanted: Bool { PlantedDefect.planted == self }
    }
#endif
