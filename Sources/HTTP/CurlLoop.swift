import CCurl
import Foundation
import Synchronization

/// libcurl's multi interface on a thread of its own. The cooperative pool never waits for the network.
///
/// Invariant for @unchecked: `multi` is used by the loop's thread only, except `curl_multi_wakeup`, which libcurl
/// allows from any thread (curl_multi_wakeup(3)); everything else is behind the mutex.
final class CurlLoop: @unchecked Sendable {
  private struct Mailbox {
    var submitted: [CurlTransfer] = []
    var cancelled: [CurlTransfer] = []
    var isStopping = false
  }

  private let multi: OpaquePointer
  private let mailbox = Mutex(Mailbox())

  /// - Returns: nil when libcurl is out of memory.
  init?() {
    guard CurlLoop.isReady, let handle = curl_multi_init() else { return nil }
    multi = OpaquePointer(handle)
    let thread = Thread { self.run() }  // the thread keeps the loop until it is stopped
    thread.name = "staunch-http"
    thread.start()
  }

  /// `curl_global_init` is not thread-safe; a static is initialised once.
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// Starts a transfer.
  func submit(_ transfer: CurlTransfer) {
    mailbox.withLock { $0.submitted.append(transfer) }
    curl_multi_wakeup(UnsafeMutableRawPointer(multi))
  }

  /// Ends a transfer early; does nothing when it has already ended.
  func cancel(_ transfer: CurlTransfer) {
    mailbox.withLock { $0.cancelled.append(transfer) }
    curl_multi_wakeup(UnsafeMutableRawPointer(multi))
  }

  /// Ends every transfer and the thread.
  func stop() {
    mailbox.withLock { $0.isStopping = true }
    curl_multi_wakeup(UnsafeMutableRawPointer(multi))
  }

  private func run() {
    let multi = UnsafeMutableRawPointer(self.multi)
    var running: [OpaquePointer: CurlTransfer] = [:]
    while true {
      let post = mailbox.withLock { box in
        let post = box
        box = Mailbox(isStopping: box.isStopping)
        return post
      }
      for transfer in post.submitted {
        running[transfer.easy] = transfer
        curl_multi_add_handle(multi, UnsafeMutableRawPointer(transfer.easy))
      }
      for transfer in post.isStopping ? Array(running.values) : post.cancelled {
        guard running.removeValue(forKey: transfer.easy) != nil else { continue }
        transfer.cancel()  // asks libcurl how far it came, so before the handle is removed
        curl_multi_remove_handle(multi, UnsafeMutableRawPointer(transfer.easy))
      }
      if post.isStopping { break }
      var count: Int32 = 0
      curl_multi_perform(multi, &count)
      var left: Int32 = 0
      while let message = curl_multi_info_read(multi, &left) {
        guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
        let code = message.pointee.data.result  // the message dies with the handle's removal
        guard let transfer = running.removeValue(forKey: OpaquePointer(handle)) else { continue }
        transfer.end(with: code)
        curl_multi_remove_handle(multi, handle)
      }
      // Sleeps until the network, a time limit of libcurl or a wake-up; a minute is only a bound.
      curl_multi_poll(multi, nil, 0, 60_000, nil)
    }
    curl_multi_cleanup(multi)
  }
}
