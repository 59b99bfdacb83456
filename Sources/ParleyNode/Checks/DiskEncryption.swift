import FoundationEssentials
import Glibc

/// Whether what is written to a folder is encrypted on its way to the disk, as far as the system
/// says.
///
/// Asked of Linux: the file system's type, the folder's fscrypt policy, and the block devices under
/// the mount, one of which may be a dm-crypt mapping. A disk or a host that encrypts by itself
/// doesn't show.
package enum DiskEncryption: Equatable, Sendable {
    case encrypted(by: String)
    case plain
    /// Nothing is on a disk at all, and everything goes with the machine's power.
    case inMemory
    case unknown(because: String)

    /// - Parameter root: what stands for `/` when the system's tables are read.
    package init(of path: String, root: String = "") {
        let mount = MountTable(root: root).mount(of: path)
        if let mount, let name = mount.encryptingFileSystem {
            self = .encrypted(by: name)
        } else if DiskEncryption.hasPolicy(path) {
            self = .encrypted(by: "fscrypt")
        } else if let mount, ["tmpfs", "ramfs"].contains(mount.type) {
            self = .inMemory
        } else if let mount, let device = BlockDevice(of: mount, root: root) {
            self = device.encryption
        } else {
            let type = mount.map { "a file system of type \($0.type)" } ?? "no mount that is listed"
            self = .unknown(because: "it lies on \(type)")
        }
    }

    /// Whether the folder has an encryption policy: `FS_IOC_GET_ENCRYPTION_POLICY_EX`, which Glibc's
    /// module leaves out. Its argument is a size of 8 bytes and a policy of at most 24.
    private static func hasPolicy(_ path: String) -> Bool {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return false }
        defer { close(folder) }
        var argument: [UInt64] = [24, 0, 0, 0]
        return ioctl(folder, UInt(0xc009_6616), &argument) == 0
    }
}

/// Where file systems are attached.
private struct MountTable {
    struct Mount {
        let device: String
        let point: String
        let type: String
        let source: String

        var encryptingFileSystem: String? {
            let names = ["ecryptfs", "gocryptfs", "encfs", "cryfs", "securefs"]
            return names.first { type == $0 || type == "fuse." + $0 }
        }
    }

    let root: String

    /// The mount with the longest path that leads to a folder; of equal ones the last, which hides
    /// those before it.
    func mount(of path: String) -> Mount? {
        guard let data = FileManager.default.contents(atPath: root + "/proc/self/mountinfo"),
            let real = realpath(path, nil)
        else { return nil }
        defer { free(real) }
        let path = String(cString: real) + "/"
        return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap(mount)
            .filter { path.hasPrefix($0.point.hasSuffix("/") ? $0.point : $0.point + "/") }
            .reduce(nil) { best, next in
                (best?.point.utf8.count ?? 0) > next.point.utf8.count ? best : next
            }
    }

    /// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS ... - TYPE SOURCE OPTIONS`, see proc(5).
    private func mount(_ line: Substring) -> Mount? {
        let fields = line.split(separator: " ")
        guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 2 else {
            return nil
        }
        return Mount(
            device: String(fields[2]), point: String(fields[4]).replacing("\\040", with: " "),
            type: String(fields[dash + 1]), source: String(fields[dash + 2]))
    }
}

/// A block device as /sys describes it.
private struct BlockDevice {
    private let folder: String

    private init?(folder: String) {
        guard let real = realpath(folder, nil) else { return nil }
        defer { free(real) }
        self.folder = String(cString: real)
    }

    /// Some file systems have a device number of their own; then the name of what was mounted tells.
    init?(of mount: MountTable.Mount, root: String) {
        if let device = BlockDevice(folder: "\(root)/sys/dev/block/\(mount.device)") {
            self = device
            return
        }
        guard mount.source.hasPrefix("/dev/"), let real = realpath(root + mount.source, nil) else {
            return nil
        }
        defer { free(real) }
        let name = String(cString: real).split(separator: "/").last ?? ""
        guard let device = BlockDevice(folder: "\(root)/sys/class/block/\(name)") else {
            return nil
        }
        self = device
    }

    var encryption: DiskEncryption {
        if isEncrypted { return .encrypted(by: "dm-crypt") }
        let isFile = FileManager.default.fileExists(atPath: folder + "/loop")
        return isFile ? .unknown(because: "it lies in a file that is mounted as a disk") : .plain
    }

    /// Whether a dm-crypt mapping is this or is under all of this: a volume may span several disks.
    private var isEncrypted: Bool {
        let id = FileManager.default.contents(atPath: folder + "/dm/uuid") ?? Data()
        if String(decoding: id, as: UTF8.self).hasPrefix("CRYPT-") { return true }
        let below = FileManager.default.files(in: folder + "/slaves")
            .compactMap { BlockDevice(folder: "\(folder)/slaves/\($0)") }
        if !below.isEmpty { return below.allSatisfy(\.isEncrypted) }
        guard FileManager.default.fileExists(atPath: folder + "/partition") else { return false }
        return BlockDevice(folder: folder + "/..")?.isEncrypted ?? false
    }
}
