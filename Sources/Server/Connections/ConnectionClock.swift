import NIOCore

/// What a connection is doing, and until when it may: whoever is slower is closed. Lives on the connection's event loop.
final class ConnectionClock {
  enum Phase {
    /// TLS is being negotiated.
    case handshake
    /// A request's head is coming.
    case header
    /// A request's body is coming.
    case body(isLarge: Bool)
    /// We are working on it: the deadline is ours, not the client's.
    case working
    /// Between two requests.
    case idle
    /// We have said the last word; the client gets a moment to read it.
    case closing
  }

  private let limits: ReceiverLimits
  private let channel: any Channel
  private var deadline: Scheduled<Void>?
  private var pace: RepeatedTask?
  private var bytes = 0
  private(set) var phase = Phase.header
  /// Pieces of answers that the client has not taken yet.
  private var untaken = 0
  private var tookSome = false
  private var takeDeadline: Scheduled<Void>?

  init(channel: any Channel, limits: ReceiverLimits) {
    self.channel = channel
    self.limits = limits
  }

  /// Starts a phase; the deadline of the one before it is off.
  func enter(_ phase: Phase) {
    stop()
    self.phase = phase
    switch phase {
    case .handshake: close(after: limits.handshakeSeconds)
    case .header: close(after: limits.headerSeconds)
    case .body(let isLarge):
      close(after: isLarge ? limits.largeBodySeconds : limits.bodySeconds)
      watchPace()
    case .working: break
    case .idle: close(after: limits.idleSeconds)
    case .closing: close(after: 2)
    }
  }

  /// Bytes came from the client.
  func received(_ count: Int) {
    bytes += count
    if case .idle = phase { enter(.header) }
  }

  /// A piece of an answer goes out; `taken` tells when it has left for the client. In any phase, a client that takes nothing
  /// for a while is closed: else an answer that nobody reads would hold the connection and the memory for ever.
  func sends(_ taken: EventLoopFuture<Void>) {
    untaken += 1
    let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
    taken.whenComplete { _ in
      bound.value.untaken -= 1
      bound.value.tookSome = true
    }
    if takeDeadline == nil { watchTaking() }
  }

  private func watchTaking() {
    tookSome = false
    let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
    takeDeadline = channel.eventLoop.scheduleTask(in: .nanoseconds(Int64(limits.takeSeconds * 1e9))) {
      let clock = bound.value
      clock.takeDeadline = nil
      guard clock.untaken > 0 else { return }
      guard clock.tookSome else { return clock.channel.close(promise: nil) }
      clock.watchTaking()
    }
  }

  /// The connection is gone.
  func end() {
    stop()
    takeDeadline?.cancel()
    takeDeadline = nil
  }

  /// The phase is over.
  private func stop() {
    deadline?.cancel()
    deadline = nil
    pace?.cancel()
    pace = nil
  }

  private func close(after seconds: Double) {
    let channel = channel
    deadline = channel.eventLoop.scheduleTask(in: .nanoseconds(Int64(seconds * 1e9))) {
      channel.close(promise: nil)
    }
  }

  /// Closes a body that comes slower than the slowest rate, looked at every few seconds.
  private func watchPace() {
    bytes = 0
    let pause = TimeAmount.nanoseconds(Int64(limits.rateSeconds * 1e9))
    let least = Int(Double(limits.slowestRate) * limits.rateSeconds)
    let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
    pace = channel.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in
      let clock = bound.value
      guard clock.bytes >= least else {
        clock.channel.close(promise: nil)
        return
      }
      clock.bytes = 0
    }
  }
}
