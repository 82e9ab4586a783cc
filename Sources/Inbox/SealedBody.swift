import Cryptography
import Foundation
import Secrets

/// A body too large for memory, sealed piece by piece into a file beside the exchange file while it arrives.
///
/// Each piece is one frame: its length (4 bytes, big-endian) and its HPKE box; the encapsulated key stands first. A frame's
/// place and whether it is the last are authenticated, so a file that was cut or reordered does not open.
public final class SealedBody {
  /// File name inside the spool directory.
  let name: String
  private let path: String
  private let handle: FileHandle
  private var sender: HPKE.Sender
  private var place = 0
  private var isKept = false

  init(directory: String, recipient: InboxPublicKey) throws {
    name = UUID().uuidString.lowercased()
    path = directory + "/" + name
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, ExchangeFile.mode(in: directory))
    guard descriptor >= 0 else { throw ExchangeFile.failure("create \(path)") }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    sender = try HPKE.Sender(to: recipient.key, aead: InboxHPKE.aead, info: InboxHPKE.info)
    try handle.write(contentsOf: sender.encapsulatedKey)
  }

  /// Seals and writes the next piece, at most 16 MiB.
  /// - Throws: ``InboxError`` when the disk refuses it.
  public func write(_ piece: [UInt8]) throws(InboxError) { try frame(piece, isLast: false) }

  private func frame(_ piece: [UInt8], isLast: Bool) throws(InboxError) {
    do {
      let box = try sender.seal(piece, authenticating: SealedBody.context(place, isLast: isLast))
      place += 1
      let length = UInt32(box.count)
      try handle.write(contentsOf: withUnsafeBytes(of: length.bigEndian) { Data($0) } + box)
    } catch {
      throw InboxError(
        .inputOutput, "spool a body", because: "it could not be written to \(path)",
        fix: "free space: df -h \"$(dirname \(path))\"")
    }
  }

  /// Makes the file durable; from now on it stays when this value goes.
  func keep() throws(InboxError) {
    try frame([], isLast: true)
    do { try handle.synchronize() } catch {
      throw InboxError(.inputOutput, "spool a body", because: "fsync failed on \(path)")
    }
    isKept = true
  }

  deinit { if !isKept { unlink(path) } }

  /// The whole body, opened.
  static func read(_ handle: FileHandle, with key: InboxPrivateKey) throws -> Secret {
    var recipient = try HPKE.Recipient(
      key.key, aead: InboxHPKE.aead, info: InboxHPKE.info,
      encapsulatedKey: handle.read(upToCount: 32) ?? Data())
    // At its full length from the start: a body that grows leaves copies behind.
    var body: [UInt8] = []
    body.reserveCapacity(Int(try handle.seekToEnd()))
    try handle.seek(toOffset: 32)
    defer { for index in body.indices { body[index] = 0 } }
    var place = 0
    while let head = try handle.read(upToCount: 4), head.count == 4 {
      let length = head.reduce(0) { $0 << 8 | Int($1) }
      guard length <= 17 << 20, let box = try handle.read(upToCount: length), box.count == length else {
        break
      }
      // An empty piece is only ever the last one: the context says so, and a lie does not open.
      let isLast = length == 16
      var piece = try recipient.open(box, authenticating: context(place, isLast: isLast))
      body += piece
      piece.resetBytes(in: piece.startIndex..<piece.endIndex)
      if isLast { return Secret(SecretBytes(copying: body)) }
      place += 1
    }
    throw CryptographyError.authentication  // the last frame is missing
  }

  private static func context(_ place: Int, isLast: Bool) -> Data {
    Data("piece \(place) \(isLast ? "last" : "more")".utf8)
  }
}
