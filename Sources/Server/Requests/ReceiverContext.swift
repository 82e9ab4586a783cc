import Logging
import Foundation
public import Hummingbird
import NIOCore

/// What a request handler knows besides the request.
public struct ReceiverContext: RequestContext {
  public var coreContext: CoreRequestContextStorage
  /// The other end of the connection: an address without port; empty when it is gone.
  public let peer: String
  /// Of the request: what the log calls it. A log handler that keeps no metadata knows none, so then it is made here.
  public let id: String

  public init(source: ApplicationRequestContextSource) {
    id = source.logger[metadataKey: "hb.request.id"]?.description ?? RequestID().description
    coreContext = .init(source: source)
    peer = ReceiverContext.address(source.channel.remoteAddress)
  }

  static func address(_ address: SocketAddress?) -> String {
    let text = address?.ipAddress ?? ""
    // An IPv4 client of a dual-stack listener.
    return text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
  }
}

/// Who asks, as far as can be known.
public struct ClientAddress: Sendable, Hashable {
  /// The client's address; behind a configured proxy the one that the proxy added last.
  public let address: String
  /// True when a header claims to come through a proxy that is not configured: such a client is no operator.
  public let isThroughStranger: Bool
  /// True when the request came in by a configured proxy.
  public let isThroughProxy: Bool

  /// X-Forwarded-For is read from the right: entries left of the first unknown address are whatever a client wrote.
  public init(peer: String, forwarded: [String], proxies: Set<String>) {
    let isProxy = proxies.contains(peer)
    isThroughProxy = isProxy
    isThroughStranger = !isProxy && !forwarded.isEmpty
    var found = peer
    if isProxy {
      let entries = forwarded.joined(separator: ",").split(separator: ",")
        .map { $0.trimmingCharacters(in: .whitespaces) }
      for entry in entries.reversed() {
        found = entry
        guard proxies.contains(entry) else { break }
      }
    }
    address = found
  }
}
