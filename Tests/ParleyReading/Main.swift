import ParleyModel
import ParleyWire

/// Says what Swift reads in given bytes, in the words of `Protocol/reference/reading.py`: for each line
/// of a form and hexadecimal digits the decoded value as JSON, a tab and the value encoded again; or
/// `refused` with error and offset; or `unknown` for a message whose tag isn't known.
/// `Tests/Assurance/differential.py` compares the two.
@main
enum Main {
    static func main() {
        while let line = readLine() {
            let words = line.split(separator: " ")
            let form = words.dropLast().joined(separator: " ")
            guard let digits = words.last, let bytes = Hexadecimal.bytes(of: digits) else {
                print("no line of a form and digits")
                continue
            }
            print(answer(to: form, bytes))
        }
    }

    private static func answer(to form: String, _ bytes: [UInt8]) -> String {
        do throws(WireError) {
            guard let reading = try Reading(form: form, bytes) else { return "unknown" }
            return "\(reading.value)\t\(Hexadecimal.text(of: reading.encoded))"
        } catch {
            return "refused \(error.code) at \(error.offset)"
        }
    }
}
