import NIOCore
import NIOHTTP1

/// What RFC 9112 demands of a head and the decoder lets pass: exactly one `Host` (§3.2), and a length that nobody can read in
/// two ways: no transfer coding in HTTP/1.0 and none but `chunked` (§6.1, §6.3).
final class HeadRules: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart

  private var isBroken = false

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isBroken else { return }
    guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
    if let problem = problem(head) {
      isBroken = true
      return context.fireErrorCaught(problem)
    }
    // An old client knows by the end of the connection that the answer is whole (RFC 9112 §9.3).
    if Self.isOld(head) { head.headers.replaceOrAdd(name: "connection", value: "close") }
    context.fireChannelRead(wrapInboundOut(.head(head)))
  }

  private static func isOld(_ head: HTTPRequestHead) -> Bool {
    head.version.major < 1 || (head.version.major == 1 && head.version.minor == 0)
  }

  private func problem(_ head: HTTPRequestHead) -> HTTPParserError? {
    let isOld = Self.isOld(head)
    let hosts = head.headers["host"].count
    if hosts > 1 || (hosts == 0 && !isOld) { return .invalidHeaderToken }
    let codings = head.headers["transfer-encoding"]
    guard !codings.isEmpty else { return nil }
    guard !isOld, codings.count == 1, codings[0].lowercased() == "chunked" else {
      return .unexpectedContentLength
    }
    return nil
  }
}
