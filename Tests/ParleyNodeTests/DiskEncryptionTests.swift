import Foundation
import ParleyNode
import Testing

/// What the system's tables say of the disk under a home. The tables are files that a test lays out
/// as Linux does.
@Suite struct DiskEncryptionTests {
    private let homes: Homes
    private let root: String
    private let home: String

    init() throws {
        homes = try Homes()
        root = homes["root"].path
        home = homes["home"].path
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    }

    private func write(_ text: String, to path: String) throws {
        let path = root + path
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    /// The home's mount beside the root's.
    private func mount(_ device: String, _ type: String, from source: String) throws {
        try write(
            """
            20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
            30 20 \(device) / \(home) rw shared:2 - \(type) \(source) rw
            31 20 0:5 / \(home)-not rw - ecryptfs none rw

            """, to: "/proc/self/mountinfo")
    }

    /// A block device, with those below it.
    private func device(_ number: String, _ name: String, uuid: String = "", on: [String] = [])
        throws
    {
        let folder = "/sys/devices/block/\(name)"
        try write(uuid, to: folder + "/dm/uuid")
        for below in on {
            try link("/sys/devices/block/\(below)", as: "\(folder)/slaves/\(below)")
        }
        try link(folder, as: "/sys/dev/block/\(number)")
        try link(folder, as: "/sys/class/block/\(name)")
    }

    private func link(_ target: String, as path: String) throws {
        try FileManager.default.createDirectory(
            atPath: (root + path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: root + path, withDestinationPath: root + target)
    }

    private var found: DiskEncryption { DiskEncryption(of: home, root: root) }

    @Test func aPlainDiskIsPlain() throws {
        try mount("8:2", "ext4", from: "/dev/sda2")
        try device("8:2", "sda2")
        #expect(found == .plain)
    }

    @Test func aMappingUnderTheMountIsFoundUnderAVolumeToo() throws {
        try device("8:2", "sda2")
        try device("252:0", "dm-0", uuid: "CRYPT-LUKS2-0123", on: ["sda2"])
        try device("252:1", "dm-1", uuid: "LVM-4567", on: ["dm-0"])
        for number in ["252:0", "252:1"] {
            try mount(number, "ext4", from: "/dev/mapper/home")
            #expect(found == .encrypted(by: "dm-crypt"))
        }
    }

    /// A volume over two disks of which one is plain isn't encrypted.
    @Test func allOfAVolumeMustBeEncrypted() throws {
        try device("8:2", "sda2")
        try device("8:3", "sda3")
        try device("252:0", "dm-0", uuid: "CRYPT-LUKS2-0123", on: ["sda2"])
        try device("252:1", "dm-1", uuid: "LVM-4567", on: ["dm-0", "sda3"])
        try mount("252:1", "ext4", from: "/dev/mapper/home")
        #expect(found == .plain)
    }

    /// Btrfs has a device number of its own; the mounted device's name leads on.
    @Test func theNameOfTheDeviceLeadsOnWhereItsNumberDoesNot() throws {
        try device("252:0", "dm-0", uuid: "CRYPT-LUKS2-0123")
        try write("", to: "/dev/dm-0")
        try link("/dev/dm-0", as: "/dev/mapper/home")
        try mount("0:42", "btrfs", from: "/dev/mapper/home")
        #expect(found == .encrypted(by: "dm-crypt"))
    }

    @Test func whatEncryptsFilesIsKnownByItsName() throws {
        try mount("0:42", "fuse.gocryptfs", from: "/srv/cipher")
        #expect(found == .encrypted(by: "gocryptfs"))
    }

    @Test func memoryIsNoDisk() throws {
        try mount("0:42", "tmpfs", from: "tmpfs")
        #expect(found == .inMemory)
    }

    @Test func whatCannotBeToldIsNotGuessed() throws {
        try mount("0:42", "overlay", from: "overlay")
        #expect(found == .unknown(because: "it lies on a file system of type overlay"))
        try device("7:0", "loop0")
        try write("", to: "/sys/devices/block/loop0/loop/backing_file")
        try mount("7:0", "ext4", from: "/dev/loop0")
        #expect(found == .unknown(because: "it lies in a file that is mounted as a disk"))
    }
}
