import Foundation
import Inbox
import Logging
import ServiceLifecycle
import UnixSignals

/// SIGHUP: certificate and key are read again, without a moment in which nobody listens. What cannot be used leaves everything
/// as it was, and is said.
///
/// Only for an endpoint that reads its files itself: `staunch serve` starts a new one instead.
struct Renewal: Service {
  let receiver: Receiver
  let log: Logger

  func run() async {
    for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
      do throws(SettingsError) {
        guard let end = try receiver.readCertificateAgain() else {
          log.warning("nothing to read again: TLS does not end here; for other settings start it anew")
          continue
        }
        log.info("read again: certificate and key; it ends \(end.formatted(.iso8601))")
      } catch {
        log.error("not read again, everything goes on as before: \(error)")
      }
    }
  }
}
