import ParleyTransport
import Testing

struct ReconnectorTests {
    @Test
    func ceilingDoublesUpToFiveMinutes() {
        var reconnector = Reconnector()
        let ceilings = (0..<11).map { _ in reconnector.failed(.connectionLost, random: .max) }
        let seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
        #expect(ceilings == seconds.map { .seconds($0) })
    }

    @Test
    func delayIsSpreadFromNothing() {
        var reconnector = Reconnector()
        _ = reconnector.failed(.connectionLost, random: 0)
        #expect(reconnector.failed(.connectionLost, random: 0) == .zero)
        let half = reconnector.failed(.connectionLost, random: 1 << 63)
        #expect(half == .seconds(2))
    }

    @Test
    func aViolationIsPausedForTenMinutesToSixHours() {
        var reconnector = Reconnector()
        #expect(reconnector.failed(.corrupt, random: 0) == .seconds(600))
        for _ in 0..<100 {
            let pause = reconnector.failed(.wrongCertificate, random: .max)
            #expect(pause > .seconds(600) && pause <= .seconds(6 * 3600))
        }
        #expect(reconnector.failed(.badSignature, random: .max) == .seconds(6 * 3600))
    }

    @Test
    func successStartsOver() {
        var reconnector = Reconnector()
        for _ in 0..<20 { _ = reconnector.failed(.silence, random: 1) }
        reconnector.succeeded()
        #expect(reconnector.failed(.silence, random: .max) == .seconds(1))
    }
}
