import Foundation
import Inbox
import JSON
import WebhookSignatures

/// A request with its whole body, before anything of it is true.
struct Message: Sendable {
  let method: String
  let path: String
  let headers: WebhookHeaders
  /// Lower case, without parameters.
  let mediaType: String
  let body: [UInt8]
  /// The sender's address, as far as the proxies of staunch.yaml are believed.
  let client: String
  let now: Date
  /// When the sender must have its answer.
  let deadline: ContinuousClock.Instant

  /// What is left for a fetch: at most `most`.
  func patience(_ most: Duration) -> Duration { max(.zero, min(most, deadline - .now)) }

  /// The body as JSON, strictly: depth, nodes, lengths, UTF-8, U+0000 and duplicate names are checked. Only after ``WebhookRoute``
  /// has verified the sender.
  func json() throws(Refusal) -> JSONValue { try Message.json(body) }

  static func json(_ body: [UInt8]) throws(Refusal) -> JSONValue {
    do throws(JSONError) { return try JSONValue(parsing: body) } catch {
      throw .malformed("the body is not the JSON that is taken: \(error.code.rawValue)")
    }
  }

  /// A header that stands at most once; 401 when it stands twice, as everything about the proof of who sends.
  func header(_ name: String) throws(Refusal) -> String? {
    do throws(SignatureError) { return try headers.optional(name) } catch { throw .unauthorized(error) }
  }

  /// What `verifier` says of it.
  func verified(by verifier: some WebhookVerifier) throws(Refusal) -> VerifiedDelivery {
    do throws(SignatureError) { return try verifier.verify(headers, body: body, now: now) } catch {
      throw .unauthorized(error)
    }
  }
}

/// What a route makes of a message.
enum Reception: Sendable {
  /// Store it, then answer.
  case store(NewDelivery, then: Answer = .accepted)
  /// Store each of them, in this order, then answer. When one is not stored, the sender is told so for all: those that are,
  /// are known already when they come again.
  case storeAll([NewDelivery])
  /// There is nothing to store.
  case answer(Answer)
  /// Whoever asks has proven nothing: it takes nothing from the rate of those who have.
  case unproven(Answer)
}

/// One kind of sender at one path.
protocol WebhookRoute: Sendable {
  var path: String { get }
  var kind: RouteKind { get }
  /// Methods that it takes.
  var methods: [String] { get }
  /// Media types that it takes; empty: any.
  var mediaTypes: Set<String> { get }
  /// True for bodies up to the large limit.
  var isLarge: Bool { get }
  /// Verifies the raw bytes first, then looks at what they say.
  func receive(_ message: Message) async throws(Refusal) -> Reception
}

extension WebhookRoute {
  var methods: [String] { ["POST"] }
  var mediaTypes: Set<String> { ["application/json"] }
  var isLarge: Bool { false }

  func delivery(
    _ message: Message, _ proof: VerifiedDelivery, id: String? = nil, isIDSigned: Bool? = nil,
    event: String? = nil, body: [UInt8]? = nil, contentType: String? = nil
  ) -> NewDelivery {
    NewDelivery(
      route: path, source: kind.rawValue, id: id ?? proof.id, isIDSigned: isIDSigned ?? proof.isIDSigned,
      bodyDigest: proof.bodyDigest, event: event.map(Text.line),
      contentType: contentType ?? message.mediaType,
      receivedAt: message.now, body: body ?? message.body)
  }
}

/// Text of a sender that goes into a record or a log.
enum Text {
  /// One line of at most 200 characters without control and direction characters.
  static func line(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.filter { scalar in
          switch scalar.value {
          case 0...0x1F, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029: false
          default: true
          }
        }
      ).prefix(200))
  }
}
