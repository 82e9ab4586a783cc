import Hummingbird
import HummingbirdCore
import NIOCore

/// Reads bodies into memory: one body up to its route's limit, all together up to theirs.
struct BodyReader: Sendable {
  let held: Quota

  /// The whole body. The caller gives `held` back what ``ByteHold/count`` says.
  func read(_ request: Request, limit: Int, into hold: ByteHold) async throws(Refusal) -> [UInt8] {
    var body: [UInt8] = []
    try await stream(request, limit: limit) { piece throws(Refusal) in
      guard held.take(piece.count) else { throw .unavailable("too many bodies are in memory") }
      hold.count += piece.count
      body += piece
    }
    return body
  }

  /// Passes the pieces on as they come.
  func stream(_ request: Request, limit: Int, _ each: ([UInt8]) throws(Refusal) -> Void) async throws(Refusal)
  {
    if let length = request.headers[.contentLength] {
      guard let length = Int(length) else { throw .malformed("Content-Length is no number") }
      guard length <= limit else { throw .tooLarge }
    }
    var count = 0
    do {
      for try await buffer in request.body {
        count += buffer.readableBytes
        guard count <= limit else { throw Refusal.tooLarge }
        try each(Array(buffer.readableBytesView))
      }
    } catch let refusal as Refusal {
      throw refusal
    } catch {
      throw .gone
    }
  }
}

/// How many bytes of the common memory a request holds.
final class ByteHold {
  var count = 0
}
