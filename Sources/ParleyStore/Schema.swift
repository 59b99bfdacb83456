import GRDB

/// The tables of a casebook, as numbered steps that only go forward.
///
/// A step is never edited once released; a new one is appended. `user_version` says how many have
/// been taken. Comments inside the statements stay in the file, for whoever opens it with a shell.
enum Schema {
    static let version = steps.count

    /// Takes the steps a file still lacks, all in one transaction.
    static func migrate(_ db: Database) throws {
        let found = Int(try db.pragma("user_version")) ?? 0
        guard found <= version else { throw StoreError.newerFormat(found) }
        guard found < version else { return }
        try db.run("BEGIN IMMEDIATE")
        do {
            for step in steps[found...] { try db.run(step) }
            try db.run("PRAGMA user_version = \(version)")
            try db.run("COMMIT")
        } catch {
            try? db.run("ROLLBACK")
            throw error
        }
    }

    static let steps = [
        casebook + log + records + neighbours + search, fieldValues + sendOrder,
        branches, takingBack, damage,
    ]

    private static let casebook = """
        CREATE TABLE casebook (
            -- The one row of what concerns the casebook as a whole.
            one INTEGER PRIMARY KEY CHECK (one = 1),
            id BLOB NOT NULL,              -- SHA-256 of the founding change, 32 bytes
            node BLOB NOT NULL,            -- whose store this is: an Ed25519 key, 32 bytes
            epoch INTEGER NOT NULL,        -- of the log this store writes; 64 random bits
            generation BLOB NOT NULL,      -- 16 random bytes, the same in the file NAME.generation
            name TEXT NOT NULL,            -- empty until the founding change is applied
            schema TEXT NOT NULL,
            schema_version INTEGER NOT NULL,
            clock INTEGER NOT NULL,        -- hybrid-time mark: milliseconds << 16 | counter
            digest BLOB NOT NULL,          -- sum modulo 2^256 over all records, 32 bytes
            arrivals INTEGER NOT NULL,     -- records ever added; / 65536 is the generation
            seed BLOB NOT NULL,            -- 16 bytes, from which the salts of new changes follow
            seed_uses INTEGER NOT NULL     -- changes salted with it; at most 1,024
        ) STRICT;
        CREATE TABLE admission (
            -- Every admission applied, the founder's included: roles in any context follow.
            lane INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            part INTEGER NOT NULL,         -- index of the group within its change
            time INTEGER NOT NULL,         -- hybrid time of the change
            context BLOB NOT NULL,         -- clock entries its author had applied
            node BLOB NOT NULL,
            role INTEGER NOT NULL,         -- 1 coordinator, 2 editor, 3 reader
            name TEXT NOT NULL,            -- as admitted; shown names are made unique
            PRIMARY KEY (lane, sequence, part)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE member (
            -- What the admissions come to now.
            node BLOB PRIMARY KEY,
            role INTEGER NOT NULL,
            name TEXT NOT NULL             -- unique: -2 and so on where taken
        ) STRICT, WITHOUT ROWID;

        """

    private static let log = """
        CREATE TABLE lane (
            -- One origin's log, under a small local number. Numbers differ from store to store.
            number INTEGER PRIMARY KEY,    -- from 1, below 32,768
            node BLOB NOT NULL,
            epoch INTEGER NOT NULL,
            held INTEGER NOT NULL,         -- last change stored and verified
            held_hash BLOB NOT NULL,       -- its hash, 32 bytes
            applied INTEGER NOT NULL,      -- last change merged into the records; never above held
            applied_hash BLOB NOT NULL,
            context BLOB NOT NULL,         -- clock entries of others that change's author had applied
            searched INTEGER NOT NULL,     -- key up to which its creations are in the search index
            UNIQUE (node, epoch)
        ) STRICT;
        CREATE TABLE batch (
            -- Runs of changes, byte for byte as sent; the open tail is runs of a few changes.
            lane INTEGER NOT NULL,
            first INTEGER NOT NULL,        -- sequence numbers, both included
            last INTEGER NOT NULL,
            hashes BLOB NOT NULL,          -- 32 bytes a change, in order
            bytes BLOB NOT NULL,
            UNIQUE (lane, first)
        ) STRICT;
        CREATE TABLE context (
            -- The full context of a change now and then, so that others follow from near by.
            lane INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            clock BLOB NOT NULL,
            PRIMARY KEY (lane, sequence)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE uninterpreted (
            -- Groups kept without effect: of a newer schema or version, or about nothing we hold.
            lane INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            part INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            PRIMARY KEY (lane, sequence, part)
        ) STRICT, WITHOUT ROWID;

        """

    private static let records = """
        CREATE TABLE type (
            number INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            live INTEGER NOT NULL          -- records of it that are listed
        ) STRICT;
        CREATE TABLE record (
            -- One row a record. The key is the creation dot: lane << 48 | sequence << 12 | group.
            n INTEGER PRIMARY KEY,
            generation INTEGER NOT NULL,   -- of arrival; keeps the index by ID inside one subtree
            id BLOB NOT NULL,              -- first 16 bytes of SHA-256(change hash, group)
            type INTEGER NOT NULL,
            time INTEGER NOT NULL,         -- hybrid time of the creation
            state INTEGER NOT NULL,        -- 0 live, 1 deleted, 2 both (edit against delete)
            changed INTEGER NOT NULL,      -- newest change: lane << 48 | sequence << 12
            changed_time INTEGER NOT NULL,
            doc TEXT NOT NULL,             -- JSON of the values shown, by field name
            side BLOB                      -- dots and losing values; NULL while all dots are the creation's
        ) STRICT;
        CREATE INDEX record_id ON record (generation, id);
        CREATE TABLE touch (
            -- Later changes of a record, its creation left out.
            n INTEGER NOT NULL,
            change INTEGER NOT NULL,       -- lane << 48 | sequence << 12 | group
            PRIMARY KEY (n, change)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE conflict (
            n INTEGER NOT NULL,
            field TEXT NOT NULL,           -- empty for the record's state
            PRIMARY KEY (n, field)
        ) STRICT, WITHOUT ROWID;

        """

    private static let neighbours = """
        CREATE TABLE peer (
            node BLOB PRIMARY KEY,
            petname TEXT,
            last_sync INTEGER,             -- milliseconds since 1970
            heard BLOB NOT NULL,           -- clock entries the peer last said it holds
            told BLOB NOT NULL             -- clock entries of ours the peer was last told
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE address (
            node BLOB NOT NULL,
            address TEXT NOT NULL,         -- HOST:PORT
            seen INTEGER NOT NULL,         -- milliseconds since 1970
            PRIMARY KEY (node, address)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE invitation (
            secret BLOB PRIMARY KEY,       -- SHA-256 of the secret, never the secret
            role INTEGER NOT NULL,
            expires INTEGER NOT NULL,      -- milliseconds since 1970
            used_by BLOB                   -- the node it admitted
        ) STRICT, WITHOUT ROWID;

        """

    private static let search = """
        CREATE TABLE search_entry (
            -- Rows of the search tables: entry / 20,000 is the table, entry the rowid in it. An
            -- edited record gets another entry; hits are checked against the record.
            entry INTEGER PRIMARY KEY,
            n INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE search_queue (
            -- Edited records whose words are not indexed yet. Creations follow from lane.searched.
            n INTEGER PRIMARY KEY
        ) STRICT;

        """

    private static let fieldValues = """
        -- How words and values were indexed; another way makes the index anew. 0 in older files.
        ALTER TABLE casebook ADD COLUMN index_format INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE indexed_field (
            -- The fields whose values are in field_value. Another set makes the index anew.
            number INTEGER PRIMARY KEY,    -- from 1; 0 stands for a record's type
            name TEXT NOT NULL UNIQUE
        ) STRICT;
        CREATE TABLE field_value (
            -- Which records have, or had, a value in a field; hits are checked against the record.
            -- Filled with the search tables, behind the intake.
            field INTEGER NOT NULL,
            value BLOB NOT NULL,           -- UTF-8; for a type its number in one or more bytes
            n INTEGER NOT NULL,
            PRIMARY KEY (field, value, n)
        ) STRICT, WITHOUT ROWID;

        """

    private static let sendOrder = """
        -- Hybrid time of the first change: peers are sent what is oldest first. 0 in older rows.
        ALTER TABLE batch ADD COLUMN time INTEGER NOT NULL DEFAULT 0;
        -- Milliseconds by which the log's newest far reading lay ahead of the clock here, and when
        -- that was seen: only readings beyond what a clock may be wrong by. 0 for none.
        ALTER TABLE lane ADD COLUMN lead INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE lane ADD COLUMN lead_seen INTEGER NOT NULL DEFAULT 0;
        -- A deleted record has no conflicts that somebody could settle.
        DELETE FROM conflict WHERE n IN (SELECT n FROM record WHERE state = 1);

        """

    private static let branches = """
        -- A log that forked has a lane for each branch, so origins aren't unique any more.
        CREATE TABLE lane_of_step_3 (
            -- One origin's log, or a branch of it, under a small local number. Numbers differ from
            -- store to store.
            number INTEGER PRIMARY KEY,    -- from 1, below 32,768
            node BLOB NOT NULL,
            epoch INTEGER NOT NULL,
            parent INTEGER NOT NULL,       -- the lane it branched from; 0 for a log's first
            fork INTEGER NOT NULL,         -- the last change shared with that one
            fork_hash BLOB NOT NULL,       -- its hash, 32 bytes
            held INTEGER NOT NULL,         -- last change stored and verified
            held_hash BLOB NOT NULL,       -- its hash, 32 bytes
            applied INTEGER NOT NULL,      -- last change merged into the records; never above held
            applied_hash BLOB NOT NULL,
            context BLOB NOT NULL,         -- clock entries of others that change's author had applied
            searched INTEGER NOT NULL,     -- key up to which its creations are in the search index
            lead INTEGER NOT NULL,         -- milliseconds its newest far reading was ahead of us
            lead_seen INTEGER NOT NULL     -- when that was seen, milliseconds since 1970
        ) STRICT;
        INSERT INTO lane_of_step_3
            SELECT number, node, epoch, 0, 0, zeroblob(32), held, held_hash, applied, applied_hash,
                context, searched, lead, lead_seen FROM lane;
        DROP TABLE lane;
        ALTER TABLE lane_of_step_3 RENAME TO lane;
        CREATE TABLE cut (
            -- Every cut applied: where a node's logs end to count. What it makes void follows.
            lane INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            part INTEGER NOT NULL,         -- index of the group within its change
            time INTEGER NOT NULL,         -- hybrid time of the change
            context BLOB NOT NULL,         -- clock entries its author had applied
            node BLOB NOT NULL,            -- whose logs
            is_revocation INTEGER NOT NULL, -- 0 where it goes with a change of role
            tips BLOB NOT NULL,            -- clock entries: the last of each log that counts
            PRIMARY KEY (lane, sequence, part)
        ) STRICT, WITHOUT ROWID;
        ALTER TABLE member ADD COLUMN is_revoked INTEGER NOT NULL DEFAULT 0;

        """

    private static let takingBack = """
        CREATE TABLE claim (
            -- Every erasure and redaction applied, for ever: whatever arrives later is held to them.
            lane INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            part INTEGER NOT NULL,         -- index of the group within its change
            n INTEGER NOT NULL,            -- the record
            id BLOB NOT NULL,              -- its ID, 16 bytes
            field TEXT NOT NULL,           -- empty where the whole record is erased
            time INTEGER NOT NULL,         -- hybrid time of the change
            seen INTEGER NOT NULL,         -- when it was applied here, milliseconds since 1970
            state INTEGER NOT NULL,        -- 1 somebody has to confirm it, 2 due, 3 rewritten, 4 done
            basis TEXT NOT NULL,           -- why, in the coordinator's words
            PRIMARY KEY (lane, sequence, part)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE held_claim (
            -- Erasures and redactions that are held and not applied yet.
            lane INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            part INTEGER NOT NULL,
            PRIMARY KEY (lane, sequence, part)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE receipt (
            -- Which nodes have said that they carried out an erasure or redaction.
            lane INTEGER NOT NULL,         -- of that
            sequence INTEGER NOT NULL,
            node BLOB NOT NULL,
            time INTEGER NOT NULL,         -- hybrid time of the receipt
            PRIMARY KEY (lane, sequence, node)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE stub (
            -- Changes without contents that no erasure applied here accounts for yet.
            lane INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            PRIMARY KEY (lane, sequence)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE dropped_seed (
            -- SHA-256 of seeds from which something erased could be guessed: never stored again.
            hash BLOB PRIMARY KEY
        ) STRICT, WITHOUT ROWID;
        -- A coordinator's word that this node was admitted, for members who don't know yet.
        ALTER TABLE casebook ADD COLUMN ticket BLOB;

        """

    private static let damage = """
        CREATE TABLE damaged_run (
            -- Runs of `batch` that turned out not to be readable: peers are asked for them again.
            lane INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            PRIMARY KEY (lane, first)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE set_aside (
            -- Changes that couldn't be applied though their causes were here.
            lane INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            PRIMARY KEY (lane, sequence)
        ) STRICT, WITHOUT ROWID;

        """
}
