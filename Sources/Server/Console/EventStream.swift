import Foundation
import HTTPTypes
import HummingbirdCore
import Inbox
import JSON
import NIOCore
import ServiceLifecycle
import Synchronization

/// Live updates: server-sent events (HTML Standard §9.2). An event holds the regions and rows of the page that changed, drawn as
/// the page itself draws them.
struct EventStream: Sendable {
  let inbox: Inbox
  let settings: ConsoleSettings
  let all: Quota
  let people: PeopleQuota

  /// - Parameters:
  ///   - isConnected: the request came over a connection, whose end ends the stream: its place is free for the next page at once,
  ///     not with the next heartbeat.
  ///   - isOver: whether the session ended meanwhile.
  ///   - changes: what is new on the page, as ``Console/changes(on:for:at:since:)`` gives it.
  func response(
    _ request: Request, isConnected: Bool, person: String, isOver: @escaping @Sendable () -> Bool,
    changes: @escaping @Sendable (inout LiveState) throws -> JSONValue?
  ) -> Response? {
    guard all.take(1) else { return nil }
    guard people.take(person) else {
      all.give(1)
      return nil
    }
    let place = StreamPlace {
      all.give(1)
      people.give(person)
    }
    let since = EventStream.since(request)
    var headers = HTTPFields()
    headers[.contentType] = "text/event-stream"
    // No proxy may gather the events.
    if let name = HTTPField.Name("X-Accel-Buffering") { headers[name] = "no" }
    let body = ResponseBody { writer in
      // When the server stops, streams end: else it would wait for browsers that never leave.
      try await withGracefulShutdownHandler {
        // A browser that left: nothing is to be said to it.
        do {
          if isConnected {
            try await request.body.consumeWithInboundCloseHandler { _ in
              try await write(to: &writer, since: since, place: place, isOver: isOver, changes: changes)
            } onInboundClosed: {
              place.end()
            }
          } else {
            try await write(to: &writer, since: since, place: place, isOver: isOver, changes: changes)
          }
        } catch is CancellationError {}
      } onGracefulShutdown: {
        place.end()
      }
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: headers, body: body)
  }

  /// The version that the browser has: after a lost connection `Last-Event-ID`, first what the page said.
  static func since(_ request: Request) -> Int? {
    let last = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }
    return (last ?? request.uri.queryParameters["since"].map(String.init)).flatMap { Int($0) }
  }

  /// Concurrent, as the writer's own functions are: the writer stays with one caller.
  @concurrent private func write(
    to writer: inout any ResponseBodyWriter, since: Int?, place: StreamPlace, isOver: @Sendable () -> Bool,
    changes: @Sendable (inout LiveState) throws -> JSONValue?
  ) async throws {
    var state = LiveState()
    var silence = 0.0
    try await writer.write(ByteBuffer(string: "retry: 3000\n\n"))
    // What the browser has; when the board is another one by now, all of it is sent once.
    let first = try changes(&state)
    if let first, since != first["version"]?.integer { try await writer.write(EventStream.event(first)) }
    while !Task.isCancelled, !place.isEnding, !isOver() {
      if let news = try changes(&state) {
        // Whoever was removed meanwhile sees nothing more.
        guard !isOver() else { return }
        try await writer.write(EventStream.event(news))
        silence = 0
        if news["gone"] != nil { return }
      } else if silence >= settings.heartbeatSeconds {
        try await writer.write(ByteBuffer(string: ": still here\n\n"))
        silence = 0
      }
      try await Task.sleep(for: .seconds(settings.watchSeconds))
      silence += settings.watchSeconds
    }
  }

  /// Canonical JSON has no line break of its own.
  private static func event(_ data: JSONValue) -> ByteBuffer {
    let id = data["version"]?.integer.map { "id: \($0)\n" } ?? ""
    return ByteBuffer(string: "\(id)event: board\ndata: \(data.canonicalText)\n\n")
  }
}

/// Gives a stream's place back when the response is gone, however it ended.
final class StreamPlace: Sendable {
  private let giveBack: @Sendable () -> Void
  private let ending = Mutex(false)

  /// True once the stream shall end.
  var isEnding: Bool { ending.withLock { $0 } }
  func end() { ending.withLock { $0 = true } }

  init(_ giveBack: @escaping @Sendable () -> Void) { self.giveBack = giveBack }
  deinit { giveBack() }
}
