/// Codes the field has agreed on for one question. Codes are stable, labels are the team's affair;
/// a value outside the list is accepted, because sources don't follow lists.
///
/// Source: casework §3, which starts from the HURIDOCS micro-thesauri.
package enum Vocabulary: String, CaseIterable, Sendable {
    case exchangeKind, stage, entryStatus, legalCategory, custodyEnd, contact, partyRole
    case sourceKind, stance, judgement, consentScope, incidentKind, sex, vitalStatus, grade

    /// At least one, the commonest first.
    package var codes: [String] {
        switch self {
        case .exchangeKind:
            [
                "negotiated-exchange", "all-for-all", "one-for-one", "staged",
                "unilateral-release", "amnesty-linked", "humanitarian-repatriation",
                "medical-repatriation", "remains-exchange", "mixed",
                "transfer-to-third-country", "failed", "cancelled",
            ]
        case .stage:
            [
                "rumoured", "proposed", "agreed", "lists-exchanged", "under-way", "completed",
                "partial", "suspended", "collapsed", "verified",
            ]
        case .entryStatus:
            [
                "proposed", "requested", "agreed", "vetoed", "moved", "handed-over", "arrived",
                "declined-transfer", "withheld", "died-in-custody", "remains-returned",
                "misidentified", "duplicate", "unaccounted",
            ]
        case .legalCategory:
            [
                "prisoner-of-war", "civilian-internee", "security-detainee", "convicted",
                "pre-trial", "hostage", "forcibly-disappeared", "deserter", "minor", "medical",
                "deceased", "unknown", "disputed",
            ]
        case .custodyEnd:
            ["exchange", "release", "escape", "death", "transfer", "sentence-end", "unknown"]
        case .contact: ["none", "message", "call", "visit"]
        case .partyRole:
            [
                "releasing", "receiving", "mediator", "guarantor", "facilitator", "host",
                "escort", "observer",
            ]
        case .sourceKind:
            [
                "media-original", "media-republished", "party-statement", "official-list",
                "family", "released-person", "lawyer", "local-monitor", "ngo",
                "intergovernmental", "social-media", "court-record", "imagery",
            ]
        case .stance: ["asserts", "denies", "retracts"]
        case .judgement: ["same", "different", "unsure"]
        case .consentScope: ["hold", "share", "publish"]
        case .incidentKind: ["clashes", "siege", "raid", "arrest-wave", "attack", "other"]
        case .sex: ["female", "male", "unknown"]
        case .vitalStatus: ["alive", "dead", "unknown"]
        case .grade: ["A", "B", "C", "D", "E", "F", "1", "2", "3", "4", "5", "6"]
        }
    }
}
