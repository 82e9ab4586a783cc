public import Capabilities
import Foundation
public import Incidents
public import Secrets

// The verdict, and what doctor asks.
extension LDAPUser {
  /// Dead is invalidCredentials at every server, where the entry is there and not locked, has no password at all, or is not there, while the
  /// runner's own login worked before and after.
  public func verify(_ secret: Secret, ref: CredentialRef?) async throws(CapabilityError) -> CredentialProbe {
    // Servers may take it for an anonymous login, which always works.
    guard !secret.isEmpty else { return CredentialProbe(.unknown, code: "no password is nobody's login") }
    var code = ""
    var (refusals, controls) = (0, 0)
    do throws(CapabilityError) {
      for server in settings.servers {
        controls += 1
        guard try await directory.entry(at: server) != nil else {
          code = "32 no such entry"
          continue
        }
        let login = try await directory.login(secret, at: server)
        switch login.status {
        case 0: return CredentialProbe(.alive, code: "0 success")
        case LDAPCommands.invalidCredentials: break
        default: return CredentialProbe(.unknown, code: "\(login.status)")
        }
        if let reason = login.reason {
          return CredentialProbe(.unknown, code: "49, but \(reason)", isRefused: true)
        }
        // Asked after the refusal: it may be the one that locked it.
        (refusals, controls) = (refusals + 1, controls + 1)
        var refusesAll = try await directory.entry(at: server)?.isLocked == true
        if refusesAll { refusesAll = try await !directory.hasNoPassword(at: server) }
        guard !refusesAll else {
          return CredentialProbe(
            .unknown, code: "49, but the entry is locked, and every password is refused", isRefused: true)
        }
        code = "49 invalidCredentials"
      }
    } catch { return CredentialProbe(.unknown, code: "\(error.class.rawValue): \(error.because)") }
    return CredentialProbe(
      .dead, code: code,
      evidence: ProbeEvidence(
        refusals: refusals, controls: controls, addresses: settings.servers))
  }

  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    for server in settings.servers {
      do throws(CapabilityError) {
        let name = try await directory.ownName(at: server)
        guard name != "dn:\(settings.dn)" else {
          found.append(
            Readiness(
              "login at \(server)",
              .missing(
                because: "the runner would log in as the very entry whose password leaked",
                fix: "give the runner an entry of its own")))
          continue
        }
        let entry = try await directory.entry(at: server)
        found.append(
          Readiness(
            "read at \(server)",
            entry != nil
              ? .ready(name)
              : .missing(
                because: "\(name) does not see \(settings.dn)",
                fix: "grant read on the entry and its pwdAccountLockedTime, and check dn in staunch.yaml")))
      } catch { found.append(Readiness("login at \(server)", error)) }
    }
    found.append(
      Readiness("write on userPassword", .unknown(because: "the directory tells only by doing")))
    found.append(
      Readiness(
        "lock after refusals",
        .unknown(
          because:
            "each refusal of a proof counts where the servers lock accounts: pwdMaxFailure should be above 20"
        )))
    return found
  }
}
