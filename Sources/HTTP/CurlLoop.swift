import CCurl
import Foundation
import Synchronization

/// libcurl's multi interface on a thread of its own. The cooperative pool never waits for the network.
///
/// All transfers of a client go through it: they share its connections and what it knows of names, and wait in a
/// ``TransferQueue`` for their place. What waits has neither a handle of libcurl nor a copy of its secrets.
///
/// Invariant for @unchecked: `multi` is used by the loop's thread only, except `curl_multi_wakeup`, which libcurl
/// allows from any thread (curl_multi_wakeup(3)), and which is called under the mutex while the loop lives; everything else is
/// behind the mutex.
final class CurlLoop: @unchecked Sendable {
  private struct Mailbox {
    var submitted: [CurlTransfer] = []
    var cancelled: [CurlTransfer] = []
    var isStopping = false
    /// The thread has left: nobody may touch `multi`.
    var isOver = false
    var isEmpty: Bool { submitted.isEmpty && cancelled.isEmpty && !isStopping }
  }

  /// As many as `curl --parallel` has at once.
  private static let mostAtOne = 50
  private static let mostInAll = 200
  /// Connections that are kept when nobody uses them.
  private static let mostKept = 64

  private let multi: OpaquePointer
  private let mailbox = Mutex(Mailbox())

  /// - Returns: nil when libcurl is out of memory or of descriptors: without its pair for wake-ups a transfer would wait for the
  ///   poll's minute.
  init?() {
    guard CurlLoop.isReady, let handle = curl_multi_init() else { return nil }
    guard curl_multi_wakeup(handle) == CURLM_OK else {
      curl_multi_cleanup(handle)
      return nil
    }
    multi = OpaquePointer(handle)
    // Unset, it is four times the transfers of the moment, so that a quiet client would lose its connections.
    _ = staunch_curl_multi_setopt_long(handle, CURLMOPT_MAXCONNECTS, Self.mostKept)
    let thread = Thread { self.run() }  // the thread keeps the loop until it is stopped
    thread.name = "staunch-http"
    thread.start()
  }

  /// `curl_global_init` is not thread-safe; a static is initialised once.
  private static let isReady: Bool = {
    // libcurl would write the keys of every connection into the file that it names (`Curl_tls_keylog_open`).
    unsetenv("SSLKEYLOGFILE")
    return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
  }()

  /// Starts a transfer, or lets it wait for its place.
  func submit(_ transfer: CurlTransfer) { post { $0.submitted.append(transfer) } }

  /// Ends a transfer early; does nothing when it has already ended.
  func cancel(_ transfer: CurlTransfer) { post { $0.cancelled.append(transfer) } }

  /// Ends every transfer and the thread.
  func stop() { post { $0.isStopping = true } }

  private func post(_ change: (inout sending Mailbox) -> Void) {
    mailbox.withLock { box in
      let isKnown = !box.isEmpty  // whoever posted first has woken the thread
      change(&box)
      if !isKnown, !box.isOver { curl_multi_wakeup(UnsafeMutableRawPointer(multi)) }
    }
  }

  /// What only the thread touches.
  private struct Work {
    var queue = TransferQueue<CurlTransfer>(mostAtOne: CurlLoop.mostAtOne, mostInAll: CurlLoop.mostInAll)
    var running: [OpaquePointer: CurlTransfer] = [:]
  }

  private func run() {
    let multi = UnsafeMutableRawPointer(self.multi)
    var work = Work()
    while true {
      let post = mailbox.withLock { box in
        let post = box
        box = Mailbox(isStopping: box.isStopping)
        return post
      }
      for transfer in post.submitted { work.queue.add(transfer, for: transfer.server) }
      let leaving =
        post.isStopping ? Array(work.running.values) + work.queue.removeAll() : post.cancelled
      for transfer in leaving {
        transfer.cancel()  // asks libcurl how far it came, so before the handle is removed
        remove(transfer, from: &work)
      }
      if post.isStopping { break }
      begin(&work)
      var count: Int32 = 0
      curl_multi_perform(multi, &count)
      var left: Int32 = 0
      while let message = curl_multi_info_read(multi, &left) {
        guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
        let code = message.pointee.data.result  // the message dies with the handle's removal
        guard let transfer = work.running[OpaquePointer(handle)] else { continue }
        let isAskedAgain = transfer.isAskedAgain(after: code)
        if !isAskedAgain { transfer.end(with: code) }
        remove(transfer, from: &work)
        if isAskedAgain { work.queue.add(transfer, for: transfer.server) }
      }
      begin(&work)  // in the places that are free now; libcurl's poll returns at once for a new handle
      // Sleeps until the network, a time limit of libcurl or a wake-up; a minute is only a bound.
      curl_multi_poll(multi, nil, 0, 60_000, nil)
    }
    mailbox.withLock { $0.isOver = true }
    curl_multi_cleanup(multi)
  }

  private func begin(_ work: inout Work) {
    while let transfer = work.queue.next() {
      guard let easy = transfer.begin() else {  // it was cancelled meanwhile, or libcurl could not
        work.queue.end(at: transfer.server)
        continue
      }
      work.running[easy] = transfer
      let code = curl_multi_add_handle(UnsafeMutableRawPointer(multi), UnsafeMutableRawPointer(easy))
      guard code == CURLM_OK else {
        transfer.end(with: CURLE_OUT_OF_MEMORY)
        remove(transfer, from: &work)
        continue
      }
    }
  }

  /// Takes a transfer off libcurl and frees its handle with the copies of its secrets; does nothing for one that waits.
  private func remove(_ transfer: CurlTransfer, from work: inout Work) {
    guard let easy = transfer.easy, work.running.removeValue(forKey: easy) != nil else { return }
    curl_multi_remove_handle(UnsafeMutableRawPointer(multi), UnsafeMutableRawPointer(easy))
    work.queue.end(at: transfer.server)
    transfer.close()
  }
}
