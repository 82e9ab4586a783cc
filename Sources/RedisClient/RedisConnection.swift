import Capabilities
import Foundation
import JSON
import Secrets

/// Owns a ``Line`` and what came over it. Blocking: call it off the cooperative pool.
///
/// Invariant for @unchecked: `line` and `reader` are used under `lock` only.
final class RedisConnection: @unchecked Sendable {
  enum ConnectEnd: Sendable {
    case connected
    /// The login's answer, when it is not OK.
    case answered(String)
    case failed(LineFailure)
  }

  private var line: Line?
  private var reader = ReplyReader()
  private let lock = NSLock()
  private let interrupt: Interrupt

  init(_ interrupt: Interrupt) { self.interrupt = interrupt }

  func close() { lock.withLock { line = nil } }

  /// Connects to the first of `places` that takes a connection, and logs in there.
  func connect(_ login: RedisLogin, to places: [Line.Place], until deadline: ContinuousClock.Instant)
    -> ConnectEnd
  {
    lock.lock()
    defer { lock.unlock() }
    var failure = LineFailure.broken
    for place in places {
      do throws(LineFailure) {
        line = try Line(to: place, login.tls, interrupt, until: deadline)
        break
      } catch {
        failure = error
        // Another address is no way around a server that is not the one that was meant.
        guard case .broken = error else { return .failed(error) }
      }
    }
    guard let line else { return .failed(failure) }
    guard let password = login.password else { return .connected }
    do throws(LineFailure) {
      var words = Self.encoded([["AUTH", login.user]], more: 1)
      let text = password.withUnsafeBytes { Array("$\($0.count)\r\n".utf8) + $0 + [0x0D, 0x0A] }
      words.reserveCapacity(words.count + text.count)
      words += text
      defer {
        Self.wipe(&words)
        var text = text
        Self.wipe(&text)
      }
      try Self.send(words, over: line, until: deadline)
      switch try reply(over: line, until: deadline) {
      case .value("OK"): return .connected
      case .error(let word):
        self.line = nil
        return .answered(word)
      case .value:
        self.line = nil
        return .answered("something else than OK")
      }
    } catch {
      self.line = nil
      return .failed(error)
    }
  }

  /// Sends all of them at once, and reads an answer for each.
  /// - Parameter changes: once something was sent, a lost answer then means an unknown outcome.
  func run(_ commands: [[String]], changes: Bool, until deadline: ContinuousClock.Instant)
    throws(CapabilityError) -> [RedisReply]
  {
    lock.lock()
    defer { lock.unlock() }
    let operation = commands.first.map { $0.prefix(2).joined(separator: " ") } ?? "nothing"
    guard let line else {
      throw CapabilityError(.network, operation, because: "the connection is closed")
    }
    // An answer that nobody has asked for would stand for the next one's.
    guard !reader.hasRest else {
      self.line = nil
      throw Failures.error(.unreadable, operation, changes: false)
    }
    do throws(LineFailure) {
      try Self.send(Self.encoded(commands), over: line, until: deadline)
      var replies: [RedisReply] = []
      for _ in commands { replies.append(try reply(over: line, until: deadline)) }
      return replies
    } catch {
      // With an unread answer it cannot be used again.
      self.line = nil
      throw Failures.error(error, operation, changes: changes)
    }
  }

  private func reply(over line: Line, until deadline: ContinuousClock.Instant) throws(LineFailure)
    -> RedisReply
  {
    try reader.next { bytes throws(LineFailure) in try line.receive(into: &bytes, until: deadline) }
  }

  private static func send(_ bytes: [UInt8], over line: Line, until deadline: ContinuousClock.Instant)
    throws(LineFailure)
  {
    let result = bytes.withUnsafeBytes { text in
      Result { () throws(LineFailure) in try line.send(text, until: deadline) }
    }
    try result.get()
  }

  /// Commands as the protocol has them: a length before each word, so no character has a meaning of its own.
  /// - Parameter more: words of the last one that the caller adds.
  private static func encoded(_ commands: [[String]], more: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    for command in commands {
      bytes += "*\(command.count + more)\r\n".utf8
      for word in command { bytes += "$\(word.utf8.count)\r\n\(word)\r\n".utf8 }
    }
    return bytes
  }

  private static func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { buffer in
      if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
    }
  }
}
