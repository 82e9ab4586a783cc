import Logging
import WebhookSignatures

/// AWS SNS (AWS Health and EventBridge come this way). The topic is checked before any fetch, the certificate's address before it
/// is fetched, the signature before a subscription is confirmed. Source: SNS developer guide.
struct SNSRoute: WebhookRoute {
  let path: String
  let kind = RouteKind.awsSNS
  let mediaTypes: Set<String> = ["text/plain", "application/json"]
  let topics: Set<String>
  let certificates: CertificateCache
  let fetching: any Fetching
  let log: Logger

  func receive(_ message: Message) async throws(Refusal) -> Reception {
    let sent: SNSMessage
    let address: String
    do throws(SignatureError) {
      sent = try SNSMessage(body: message.body, topics: topics)
      address = try sent.certificateURL()
    } catch {
      throw .unauthorized(error)
    }
    let certificate: String
    do throws(FetchError) {
      certificate = try await certificates.certificate(
        at: address, for: message.client, now: message.now, within: message.patience(CertificateCache.timeout)
      )
    } catch {
      throw .unavailable("SNS's signing certificate could not be fetched: \(error)")
    }
    let proof: VerifiedDelivery
    do throws(SignatureError) { proof = try sent.verify(certificate: certificate, now: message.now) } catch {
      throw .unauthorized(error)
    }
    switch sent.kind {
    case .notification: return .store(delivery(message, proof, event: sent.kind.rawValue))
    case .subscriptionConfirmation:
      try await confirm(sent, within: message.patience(.seconds(2)))
      return .answer(Answer(200))
    case .unsubscribeConfirmation:
      log.warning("SNS ended the subscription of \(sent.topic)")
      return .store(delivery(message, proof, event: sent.kind.rawValue))
    }
  }

  private func confirm(_ sent: SNSMessage, within timeout: Duration) async throws(Refusal) {
    let address: String
    do throws(SignatureError) { address = try sent.subscribeURL() } catch { throw .unauthorized(error) }
    do throws(FetchError) {
      _ = try await fetching.get(address, largest: 64 << 10, timeout: timeout)
      log.notice("the subscription of \(sent.topic) is confirmed")
    } catch {
      throw .unavailable("the subscription could not be confirmed: \(error)")
    }
  }
}
