package import NIOCore
import ParleyWire

/// What a connection may do while it isn't yet clear who is at the other end.
///
/// A listener speaks first to nobody it doesn't know: a stranger may send one small frame, and
/// only if the handler admits it on that does it become a peer like any other. Frames beyond the
/// first stay unread, so that a stranger can neither fill memory nor keep the handler busy.
package struct Doorway: Equatable, Sendable {
    fileprivate enum State: Equatable, Sendable {
        /// TLS runs; nobody is known. To `expecting`, `knocking` or `closed`.
        case securing
        /// A known peer whose first frame hasn't come. To `open` or `closed`.
        case expecting
        /// A stranger whose one frame hasn't come. To `judging`, `expecting` or `closed`.
        case knocking
        /// A stranger whose one frame is with the handler. To `open` or `closed`.
        case judging
        /// A known peer that has spoken. To `closed`.
        case open
        /// The end.
        case closed
    }

    /// What a timer that fired leads to.
    package enum Alarm: Equatable, Sendable {
        case close(CloseReason)
        case wake(at: NIODeadline)
        case none
    }

    private var state = State.securing
    private let opening: NIODeadline
    private let silence: TimeAmount
    private var lastHeard: NIODeadline
    private var isReading = true

    /// - Parameter now: when the socket was accepted or connected.
    package init(limits: ConnectionLimits, now: NIODeadline) {
        opening = now + TimeAmount(limits.opening)
        silence = TimeAmount(limits.silence)
        lastHeard = now
    }

    /// The most bytes of tag and payload the peer may send in one frame.
    package var frameLimit: Int {
        switch state {
        case .expecting, .open: Limits.frameBytes
        case .securing, .knocking, .judging, .closed: Limits.unauthenticatedFrameBytes
        }
    }

    /// Whether the next whole frame may be handed over now.
    package var isDelivering: Bool {
        switch state {
        case .expecting, .knocking, .open: isReading
        case .securing, .judging, .closed: false
        }
    }

    /// Whether bytes should be taken from the socket.
    package var isTakingBytes: Bool {
        switch state {
        case .securing, .closed: true
        case .expecting, .knocking, .open: isReading
        case .judging: false
        }
    }

    /// Whether anything may be sent.
    package var isSpeaking: Bool {
        switch state {
        case .expecting, .judging, .open: true
        case .securing, .knocking, .closed: false
        }
    }

    package var isClosed: Bool { state == .closed }

    /// Whether the peer is one that still has to be admitted.
    package var isStranger: Bool { state == .knocking || state == .judging }

    /// When to call `alarm`; another time once the peer is known and has spoken.
    package var nextAlarm: NIODeadline { isOpening ? opening : lastHeard + silence }

    /// Whether the time for TLS, the first frame and an admission still runs.
    package var isOpening: Bool {
        switch state {
        case .securing, .expecting, .knocking, .judging: true
        case .open, .closed: false
        }
    }

    /// TLS is done and the peer's key proved.
    package mutating func secured(isKnown: Bool) {
        state = state.secured(isKnown: isKnown)
    }

    /// A frame is handed over.
    package mutating func delivered() {
        state = state.delivered()
    }

    /// The handler takes the stranger in.
    package mutating func admit(now: NIODeadline) {
        lastHeard = now
        state = state.admitted()
    }

    /// The connection ends.
    package mutating func close() {
        state = .closed
    }

    /// Bytes came from the peer.
    package mutating func heard(now: NIODeadline) {
        lastHeard = now
    }

    /// The handler pauses or resumes; silence while paused is our own doing and isn't counted.
    package mutating func setReading(_ isReading: Bool, now: NIODeadline) {
        self.isReading = isReading
        lastHeard = now
    }

    /// The time asked for has come.
    package func alarm(now: NIODeadline) -> Alarm {
        switch state {
        case .closed: .none
        case .open where !isReading: .wake(at: now + silence)
        case .securing, .expecting, .knocking, .judging, .open:
            if now < nextAlarm {
                .wake(at: nextAlarm)
            } else {
                .close(isOpening ? .timeout : .silence)
            }
        }
    }
}

extension Doorway.State {
    func secured(isKnown: Bool) -> Self {
        switch self {
        case .securing: isKnown ? .expecting : .knocking
        case .expecting, .knocking, .judging, .open, .closed: self
        }
    }

    func delivered() -> Self {
        switch self {
        case .expecting: .open
        case .knocking: .judging
        case .securing, .judging, .open, .closed: self
        }
    }

    func admitted() -> Self {
        switch self {
        case .knocking: .expecting
        case .judging: .open
        case .securing, .expecting, .open, .closed: self
        }
    }
}
