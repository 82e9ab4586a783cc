import Cryptography
import Foundation
import Hummingbird
import HummingbirdCore
import Inbox
import Secrets
import WebhookSignatures

extension Endpoint {
  /// Takes a report in: the token first, then the body piece by piece onto the disk, sealed.
  func store(_ request: Request, _ route: ReportRoute, _ head: Message, limit: Int) async throws(Refusal)
    -> (NewDelivery, SealedBody)
  {
    let proof = try head.verified(by: route.verifier)
    try admit(route)
    var delivery = route.delivery(head, proof, event: "report")
    let spool: SealedBody
    do throws(InboxError) { spool = try inbox.spool() } catch {
      throw .unavailable("no report can be spooled: \(error.code.rawValue)")
    }
    var hash = SHA256()
    var count = 0
    try await reader.stream(request, limit: limit) { piece throws(Refusal) in
      hash.update(data: piece)
      count += piece.count
      do throws(InboxError) { try spool.write(piece) } catch {
        throw .unavailable("a report could not be spooled: \(error.code.rawValue)")
      }
    }
    guard count > 0 else { throw .malformed("the report is empty") }
    delivery.bodyDigest = Hex.text(hash.finalize())
    // Without an Idempotency-Key the proof named the empty head.
    if try head.header("Idempotency-Key") == nil { delivery.id = delivery.bodyDigest }
    return (delivery, spool)
  }
}
