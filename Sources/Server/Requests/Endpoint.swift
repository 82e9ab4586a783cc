import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Inbox
import Logging
import WebhookSignatures

/// Every request comes through here: operations, webhooks, then the console's pages.
struct Endpoint: HTTPResponder {
  typealias Context = ReceiverContext

  let routes: [String: any WebhookRoute]
  let buckets: [String: TokenBucket]
  let settings: ReceiverSettings
  let inbox: Inbox
  let metrics: ReceiverMetrics
  let operations: Operations
  let inFlight: Quota
  let reader: BodyReader
  /// The console's pages; nil when there are none.
  let pages: (any Pages)?
  let log: Logger
  let refusals: RefusalLog
  let now: @Sendable () -> Date

  func respond(to request: Request, context: ReceiverContext) async throws -> Response {
    let response = try await response(to: request, context: context)
    // RFC 9110 §9.3.2: the head that GET would have, and nothing behind it.
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func response(to request: Request, context: ReceiverContext) async throws -> Response {
    let path = request.uri.path
    let client = ClientAddress(
      peer: context.peer, forwarded: values(request, "X-Forwarded-For"), proxies: settings.proxies)
    if let route = routes[path] {
      return await answer(request, route, from: client, id: context.id).response
    }
    if let answer = await operations.answer(request, path: path, client: client) {
      return closing(answer, request).response
    }
    if var response = try await pages?.respond(to: request, client: client, context: context) {
      // A refused body may not have been read: whatever is left of it is not waited for.
      if response.status.code >= 400, hasBody(request) { response.headers[.connection] = "close" }
      if settings.tls != nil { response.headers[.strictTransportSecurity] = "max-age=31536000" }
      return response
    }
    return closing(Refusal.notFound.answer, request).response
  }

  private func values(_ request: Request, _ name: String) -> [String] {
    HTTPField.Name(name).map { request.headers[values: $0] } ?? []
  }

  /// One delivery: refused, or stored durably and acknowledged.
  private func answer(
    _ request: Request, _ route: any WebhookRoute, from client: ClientAddress, id: String
  ) async -> Answer {
    let started = ContinuousClock.now
    var answer: Answer
    do throws(Refusal) {
      answer = try await receive(request, route, from: client, id: id)
    } catch {
      metrics.refused(route.path, error.reason)
      refusals.write(error, route: route.path, client: client.address, request: id, now: now())
      answer = error.answer
      switch error {
      // The whole body was read, so the connection can go on.
      case .unauthorized, .malformed: if route is ReportRoute { answer = closing(answer, request) }
      case .notFound, .method, .tooLarge, .mediaType, .tooMany, .unavailable, .late, .gone:
        answer = closing(answer, request)
      }
    }
    metrics.answered(route.path, answer.status, took: ContinuousClock.now - started)
    return answer
  }

  /// Ends the connection unless there is no body to skip.
  private func closing(_ answer: Answer, _ request: Request) -> Answer {
    var answer = answer
    answer.closes = hasBody(request)
    return answer
  }

  private func hasBody(_ request: Request) -> Bool {
    let length = request.headers[.contentLength]
    return request.headers[.transferEncoding] != nil || (length != nil && length != "0")
  }

  private func receive(
    _ request: Request, _ route: any WebhookRoute, from client: ClientAddress, id: String
  ) async throws(Refusal) -> Answer {
    guard route.methods.contains(request.method.rawValue) else {
      throw .method(allowed: route.methods.joined(separator: ", "))
    }
    guard request.uri.query == nil else { throw .notFound }  // what stands in a query is logged everywhere
    let mediaType = try mediaType(request, route)
    let limit = route.isLarge ? settings.limits.largeBodyBytes : settings.limits.bodyBytes
    let headers = WebhookHeaders(request.headers.map { (name: $0.name.rawName, value: $0.value) })
    func message(_ body: [UInt8], by deadline: ContinuousClock.Instant) -> Message {
      Message(
        method: request.method.rawValue, path: route.path, headers: headers, mediaType: mediaType, body: body,
        client: ClientNetwork.of(client.address), now: now(), deadline: deadline)
    }
    // From its head on a request holds a connection, memory, and maybe a file.
    let giveBack = try takePlace()
    defer { giveBack() }
    if let upload = route as? ReportRoute {
      let (delivery, body) = try await store(request, upload, message([], by: .now), limit: limit)
      return try await append(delivery, body: body, route, by: answerDeadline, client, id)
    }
    let hold = ByteHold()
    defer { reader.held.give(hold.count) }
    let body = try await reader.read(request, limit: limit, into: hold)
    let deadline = answerDeadline
    switch try await route.receive(message(body, by: deadline)) {
    case .unproven(let answer): return answer
    case .answer(let answer):
      try admit(route)
      return answer
    case .store(let delivery, let answer):
      try admit(route)
      _ = try await append(delivery, body: nil, route, by: deadline, client, id)
      return answer
    case .storeAll(let deliveries):
      try admit(route)
      for delivery in deliveries {
        _ = try await append(delivery, body: nil, route, by: deadline, client, id)
      }
      return .accepted
    }
  }

  /// Counted once the sender is proven: a flood without a good signature takes nothing from whoever has one.
  func admit(_ route: any WebhookRoute) throws(Refusal) {
    guard buckets[route.path]?.take(at: now()) ?? true else { throw .tooMany }
  }

  private var answerDeadline: ContinuousClock.Instant { .now + .seconds(settings.limits.answerSeconds) }

  /// A place among the requests in flight, given back by calling it.
  private func takePlace() throws(Refusal) -> () -> Void {
    guard operations.reserve.hasRoom else { throw .unavailable("the disk is nearly full") }
    guard inFlight.take(1) else { throw .unavailable("too many requests are being worked on") }
    return { inFlight.give(1) }
  }

  /// The sender's word for the form of its body, which the route must take; compressed bodies are refused: a few bytes of
  /// them can become gigabytes.
  private func mediaType(_ request: Request, _ route: any WebhookRoute) throws(Refusal) -> String {
    let coding = values(request, "Content-Encoding").joined(separator: ",").lowercased()
    guard coding.isEmpty || coding == "identity" else { throw .mediaType("the body is compressed") }
    let type = (request.headers[.contentType] ?? "").prefix { $0 != ";" }
      .trimmingCharacters(in: .whitespaces).lowercased()
    guard route.mediaTypes.isEmpty || request.method == .options || route.mediaTypes.contains(type) else {
      throw .mediaType("the media type is none of this route's")
    }
    return type
  }

  private func append(
    _ delivery: NewDelivery, body: SealedBody?, _ route: any WebhookRoute,
    by deadline: ContinuousClock.Instant, _ client: ClientAddress, _ id: String
  ) async throws(Refusal) -> Answer {
    let started = ContinuousClock.now
    do throws(InboxError) {
      let acceptance =
        if let body {
          try await inbox.append(delivery, body: body, by: deadline)
        } else {
          try await inbox.append(delivery, by: deadline)
        }
      metrics.appended(took: ContinuousClock.now - started)
      operations.readiness.stored()
      var metadata: Logger.Metadata = [
        "route": "\(route.path)", "delivery": "\(Text.line(delivery.id))", "client": "\(client.address)",
        "request": "\(id)",
      ]
      switch acceptance {
      case .duplicate:
        metrics.duplicate(route.path)
        log.info("known already", metadata: metadata)
      case .accepted(let sequence):
        metadata["sequence"] = "\(sequence)"
        log.info("stored", metadata: metadata)
      }
      return .accepted
    } catch {
      log.error(
        "a delivery was not stored: \(error)",
        metadata: ["route": "\(route.path)", "client": "\(client.address)", "request": "\(id)"])
      guard error.code != .late else { throw .late("the exchange file did not take it in time") }
      operations.readiness.failed()
      throw .unavailable("the exchange file did not take it: \(error.code.rawValue)")
    }
  }
}
