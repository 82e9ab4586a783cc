import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import TestSupport
import Testing

@testable import Server

/// Clients that do not take their answers.
@Suite struct UnreadAnswerTests {
  /// The client's side of the socket: takes a write when it is told to.
  private final class Client: ChannelOutboundHandler {
    typealias OutboundIn = HTTPResponsePart
    private var waiting: [EventLoopPromise<Void>] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      if let promise { waiting.append(promise) }
    }
    func takeOne() { waiting.removeFirst().succeed() }
    func takeAll() { while !waiting.isEmpty { takeOne() } }
  }

  private struct Connection {
    let loop = EmbeddedEventLoop()
    let channel: EmbeddedChannel
    let client = Client()

    init() throws {
      channel = EmbeddedChannel(loop: loop)
      let clock = ConnectionClock(channel: channel, limits: ReceiverLimits())
      try channel.pipeline.syncOperations.addHandlers([
        client, MessageWatch(clock: clock, ahead: 16) { _ in false },
      ])
      try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func ask() throws {
      try channel.writeInbound(
        HTTPRequestPart.head(HTTPRequest(method: .get, scheme: "http", authority: "r", path: "/")))
      try channel.writeInbound(HTTPRequestPart.end(nil))
    }

    func answer() {
      channel.write(HTTPResponsePart.head(HTTPResponse(status: .ok)), promise: nil)
      channel.write(HTTPResponsePart.body(ByteBuffer(repeating: 97, count: 100)), promise: nil)
      channel.write(HTTPResponsePart.end(nil), promise: nil)
      channel.flush()
    }
  }

  @Test func `an answer of which nothing is taken ends the connection`() throws {
    let connection = try Connection()
    try connection.ask()
    connection.answer()
    try connection.ask()
    connection.loop.advanceTime(by: .seconds(29))
    #expect(connection.channel.isActive)
    connection.loop.advanceTime(by: .seconds(2))
    #expect(!connection.channel.isActive)
    connection.client.takeAll()
  }

  @Test func `a slow reader is left alone as long as it reads, and whoever has read everything too`() throws {
    let connection = try Connection()
    try connection.ask()
    connection.answer()
    try connection.ask()
    for _ in 0..<3 {
      connection.loop.advanceTime(by: .seconds(25))
      connection.client.takeOne()
      #expect(connection.channel.isActive)
    }
    connection.loop.advanceTime(by: .seconds(100))
    #expect(connection.channel.isActive, "the work on the second request is ours")
    connection.client.takeAll()
    try connection.channel.close().wait()
  }

  @Test func `whoever sends many requests ahead of their answers is cut off`() throws {
    let connection = try Connection()
    for _ in 0..<16 { try connection.ask() }
    #expect(connection.channel.isActive)
    try connection.ask()
    #expect(!connection.channel.isActive)
  }
}
