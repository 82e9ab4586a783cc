public import Capabilities
import Foundation
import NameResolution
import Synchronization

/// ``HTTPTransport`` on libcurl.
///
/// TLS 1.2 or newer with the certificate and host name verified; redirects are answers, not followed. Questions share
/// connections, and HTTP/2 where a server offers it over TLS. A question of a proof (``SafeRequest/alone(at:)``) has a connection
/// of its own that is closed behind it; a request with an effect always gets a new one, so that libcurl never repeats it by
/// itself. Both speak HTTP/1.1. At most 50 requests are under way to one server and 200 in all (a first one to a server
/// always goes, up to 400); others wait, and their time runs from when they go. Our copies of header values, bodies and keys are zeroed; libcurl's send buffer, its table of
/// headers for HTTP/2 and the kernel's buffers are out of reach.
/// Source: https://curl.se/libcurl/c/libcurl-multi.html
public final class CurlTransport: HTTPTransport {
  private let options: TransportOptions
  private let loop: CurlLoop?

  public init(_ options: TransportOptions = TransportOptions()) {
    self.options = options
    loop = CurlLoop()
  }

  deinit { loop?.stop() }

  public func fetch(_ request: SafeRequest) async throws(CapabilityError) -> HTTPResponse {
    try await exchange(request.request, isSafe: true)
  }

  public func send(_ request: HTTPRequest, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError) -> HTTPResponse
  {
    try await exchange(request, isSafe: false)
  }

  /// Behind a proxy the proxy resolves the name, so there only the name can be asked.
  public func addresses(behind url: String) async throws(CapabilityError) -> [String] {
    guard let host = URLComponents(string: url)?.host?.lowercased(), options.proxy(for: host) == nil,
      HostAddresses.hasSeveral(host)
    else { return [] }
    // Empty when the name cannot be resolved: the exchange itself then says so.
    return await HostAddresses.all(of: host)
  }

  private func exchange(_ request: HTTPRequest, isSafe: Bool) async throws(CapabilityError) -> HTTPResponse {
    let began = ContinuousClock.now
    do throws(CapabilityError) {
      let answer = try await transfer(request, isSafe: isSafe)
      DebugLog.note(
        .debug, "http", "\(DebugLog.place(request)): \(answer.status), \(DebugLog.time(since: began))")
      return answer
    } catch {
      DebugLog.note(
        .debug, "http",
        "\(DebugLog.place(request)): \(error.class.rawValue), \(error.because), \(DebugLog.time(since: began))"
      )
      throw error
    }
  }

  private func transfer(_ request: HTTPRequest, isSafe: Bool) async throws(CapabilityError) -> HTTPResponse {
    let address = try RequestAddress(request, plainHosts: options.plainHosts)
    guard let loop else {
      throw CapabilityError(
        .network, address.operation, because: "libcurl could not start (out of memory or descriptors)")
    }
    let options = options
    let slot = TransferSlot()
    let answer = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<CurlTransfer.Answer, Never>) in
        let transfer = CurlTransfer(
          CurlQuestion(request, at: address, isSafe: isSafe, options: options)
        ) { continuation.resume(returning: $0) }
        slot.start(transfer, on: loop)
      }
    } onCancel: {
      slot.cancel(on: loop)
    }
    return try answer.get()
  }
}

/// Brings a transfer and the cancellation of its task together, whichever comes first.
private final class TransferSlot: Sendable {
  private struct State {
    var transfer: CurlTransfer?
    var isCancelled = false
  }
  private let state = Mutex(State())

  func start(_ transfer: CurlTransfer, on loop: CurlLoop) {
    state.withLock { state in
      if state.isCancelled {
        transfer.cancel()
      } else {
        state.transfer = transfer
        loop.submit(transfer)
      }
    }
  }

  func cancel(on loop: CurlLoop) {
    state.withLock { state in
      state.isCancelled = true
      if let transfer = state.transfer { loop.cancel(transfer) }
    }
  }
}
