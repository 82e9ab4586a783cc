import ArgumentParser
import Foundation
import Inbox
import Incidents
import JSON
import Response

/// `staunch deliveries`: what the endpoint took in and what it refused.
struct DeliveriesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deliveries", abstract: "Deliveries of the endpoint: list, show, replay.",
    discussion: """
      Kept for eight days. A delivery's body is sealed, and removed once it is taken in; of a refused one nothing was kept
      but when it came, by which route, from where and why it was refused.
      """,
    subcommands: [DeliveriesList.self, DeliveriesShow.self, DeliveriesReplay.self])
}

/// `staunch deliveries list`: the newest first.
struct DeliveriesList: StaunchCommand {
  enum State: String, CaseIterable, ExpressibleByArgument { case pending, done, failed, refused }

  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The last deliveries, with what became of them; refused ones, too.")

  @Option(name: .long, help: "Only those that are pending, done, failed (not readable) or refused.")
  var state: State?
  @Option(name: .long, help: "At most so many.") var limit = 50
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let inbox = try Exchange.inbox(in: assembly)
    var rows: [(at: Date, line: String, document: JSONValue)] = []
    if state != .refused {
      let known = state.flatMap { DeliveryRecord.State(rawValue: $0.rawValue) }
      for record in try inbox.deliveries(known, limit: limit) {
        rows.append((record.receivedAt, DeliveryLines.line(record), DeliveryLines.json(record)))
      }
    }
    if state == nil || state == .refused {
      for (sequence, refusal) in try inbox.refusals(limit: limit) {
        rows.append(
          (refusal.at, DeliveryLines.line(refusal, sequence), DeliveryLines.json(refusal, sequence)))
      }
    }
    let shown = rows.sorted { $0.at > $1.at }.prefix(max(0, limit))
    if global.json {
      let document: JSONValue = ["schema": 1, "deliveries": .array(shown.map(\.document))]
      assembly.console.data(document.canonicalText)
    } else {
      for row in shown { assembly.console.data(row.line) }
      if shown.isEmpty { assembly.console.say("no delivery is known") }
    }
  }
}

/// `staunch deliveries show`: one of them.
struct DeliveriesShow: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "One delivery: who sent it, when, and what became of it or why it was refused.")

  @Argument(help: "Its number, as list gives it; r and a number for a refused one.") var number: String
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    let inbox = try Exchange.inbox(in: assembly)
    let fields: [(String, JSONValue)]
    if let sequence = DeliveryLines.refused(number) {
      guard let refusal = try inbox.refusal(sequence) else { throw DeliveryLines.unknown(number) }
      fields = DeliveryLines.fields(refusal, sequence)
    } else {
      guard let record = try Int(number).flatMap({ try inbox.delivery($0) }) else {
        throw DeliveryLines.unknown(number)
      }
      fields = DeliveryLines.fields(record)
    }
    if global.json {
      let members = Dictionary(fields) { first, _ in first }
      assembly.console.data(JSONValue.object(members.merging(["schema": 1]) { own, _ in own }).canonicalText)
    } else {
      for (name, value) in fields where value != .null {
        assembly.console.data("\(name): \(harmless(value.string ?? value.canonicalText))")
      }
    }
  }
}

/// `staunch deliveries replay`: takes one in once more.
struct DeliveriesReplay: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Let the worker take a delivery in once more, for example after an update that reads it.",
    discussion:
      "Nothing happens twice: incidents and places have keys. A body that is gone only its sender can send again."
  )

  @Argument(help: "Its number, as list gives it.") var number: Int
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    switch try Exchange.inbox(in: assembly).replay(number) {
    case .waits: assembly.console.say("the delivery \(number) waits for the worker again")
    case .waited: assembly.console.say("the delivery \(number) waits for the worker already")
    case .bodyIsGone:
      throw CommandFailure(
        .declined, "the delivery \(number) was not taken in once more",
        because: "it was taken in, and its body was removed then",
        fix: "let its sender send it again (GitHub: Settings, Webhooks, Recent Deliveries, Redeliver)")
    case .unknown: throw DeliveryLines.unknown("\(number)")
    }
  }
}

/// Deliveries in words and as documents. Text of senders is never trusted.
enum DeliveryLines {
  static func line(_ record: DeliveryRecord) -> String {
    let more = record.outcome.map { ": \(harmless($0))" } ?? ""
    return "\(record.sequence)  \(Timestamp.text(record.receivedAt))  \(harmless(record.route))  "
      + "\(harmless(record.event ?? record.source))  \(record.state.rawValue)\(more)"
  }

  static func line(_ refusal: RefusedDelivery, _ sequence: Int) -> String {
    let leftOut = refusal.leftOut > 0 ? " (and \(refusal.leftOut) more before it)" : ""
    return "r\(sequence)  \(Timestamp.text(refusal.at))  \(harmless(refusal.route))  "
      + "\(harmless(refusal.client))  refused: \(harmless(refusal.because))\(leftOut)"
  }

  static func fields(_ record: DeliveryRecord) -> [(String, JSONValue)] {
    [
      ("number", .string("\(record.sequence)")), ("received", .string(Timestamp.text(record.receivedAt))),
      ("route", .string(record.route)), ("source", .string(record.source)), ("id", .string(record.id)),
      ("event", record.event.map { .string($0) } ?? .null),
      ("content_type", record.contentType.map { .string($0) } ?? .null),
      ("state", .string(record.state.rawValue)), ("outcome", record.outcome.map { .string($0) } ?? .null),
      ("body_kept", .boolean(record.hasBody)),
    ]
  }

  static func fields(_ refusal: RefusedDelivery, _ sequence: Int) -> [(String, JSONValue)] {
    [
      ("number", .string("r\(sequence)")), ("received", .string(Timestamp.text(refusal.at))),
      ("route", .string(refusal.route)), ("client", .string(refusal.client)),
      ("request", .string(refusal.request)), ("state", "refused"), ("reason", .string(refusal.reason)),
      ("because", .string(refusal.because)), ("left_out", .integer(refusal.leftOut)),
    ]
  }

  static func json(_ record: DeliveryRecord) -> JSONValue {
    .object(Dictionary(fields(record)) { first, _ in first })
  }

  static func json(_ refusal: RefusedDelivery, _ sequence: Int) -> JSONValue {
    .object(Dictionary(fields(refusal, sequence)) { first, _ in first })
  }

  /// `r12` → 12.
  static func refused(_ number: String) -> Int? { number.hasPrefix("r") ? Int(number.dropFirst()) : nil }

  static func unknown(_ number: String) -> CommandFailure {
    CommandFailure(
      .invalidInput, "there is no delivery \(harmless(number))",
      because: "the exchange file does not hold it; deliveries are kept for eight days",
      fix: "staunch deliveries list")
  }
}
