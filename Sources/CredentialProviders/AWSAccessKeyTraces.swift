public import Capabilities
public import Foundation
import Incidents
import JSON
import RESTClient

// What was done with a key, as CloudTrail tells it: management events of the last 90 days, in the regions that are asked. Names in
// them are the holder's own text: they are shown where they have the form of an IAM name.
// Source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
extension AWSAccessKey {
  private static let retention: TimeInterval = 90 * 86_400
  /// What is younger may not have been delivered.
  private static let delay: TimeInterval = 15 * 60
  /// More pages of 50 are not read, which is said.
  private static let mostPages = 40
  /// Sessions and keys whose own events are read along.
  private static let mostIDs = 12

  struct Event: Sendable {
    let name: String
    let time: Date?
    let address: String?
    let isFailed: Bool
    /// False: its record cannot be read, so nobody knows what it made.
    let isReadable: Bool
    let request: JSONValue?
    let response: JSONValue?
  }

  /// What CloudTrail said of one id.
  struct Trail: Sendable {
    var events: [Event] = []
    /// Nil: not all of it was read.
    var covered: ClosedRange<Date>?
  }

  private var regions: [String] {
    var all = [client.place(of: .iam).region, settings.aws.region]
    for region in settings.regions where !all.contains(region) { all.append(region) }
    return Set(all).sorted()
  }

  /// Oldest last, as CloudTrail gives them. - Parameter since: nil: as far back as it goes.
  func trail(of id: String, since: Date?) async throws(CapabilityError) -> Trail {
    let now = environment.now()
    let earliest = now.addingTimeInterval(-Self.retention)
    let start = min(max(since ?? earliest, earliest), now)
    var trail = Trail()
    var isWhole = true
    for region in regions {
      var token: String?
      var pages = 0
      repeat {
        var body: [String: JSONValue] = [
          "LookupAttributes": [["AttributeKey": "AccessKeyId", "AttributeValue": .string(id)]],
          "StartTime": .integer(Int(start.timeIntervalSince1970)),
          "EndTime": .integer(Int(now.timeIntervalSince1970.rounded(.up))), "MaxResults": 50,
        ]
        body["NextToken"] = token.map { .string($0) }
        let page = try await client.get(.cloudTrail, "LookupEvents", .object(body), region: region)
        guard let events = page["Events"]?.array else {
          throw CapabilityError(
            .invalid, "cloudtrail:LookupEvents", because: "the answer is no list of events")
        }
        trail.events += events.map(Self.event)
        token = page["NextToken"]?.string
        pages += 1
      } while token != nil && pages < Self.mostPages
      isWhole = isWhole && token == nil
    }
    let end = now.addingTimeInterval(-Self.delay)
    isWhole = isWhole && trail.events.allSatisfy(\.isReadable)
    trail.covered = isWhole && start < end ? start...end : nil
    return trail
  }

  private static func event(_ json: JSONValue) -> Event {
    // An event without its record has its name and time alone.
    let record = json["CloudTrailEvent"]?.string.flatMap { try? JSONValue(parsing: Data($0.utf8)) }
    let seconds = json["EventTime"]
    let listed: Date? =
      switch seconds {
      case .integer(let number)?: Date(timeIntervalSince1970: TimeInterval(number))
      case .number(let number)?: Date(timeIntervalSince1970: number)
      default: nil
      }
    return Event(
      name: json["EventName"]?.string ?? "",
      time: record?["eventTime"]?.string.flatMap(Timestamp.date) ?? listed,
      address: record?["sourceIPAddress"]?.string, isFailed: record?["errorCode"]?.string != nil,
      isReadable: record?.object != nil,
      request: record?["requestParameters"], response: record?["responseElements"])
  }

  // MARK: sessions

  /// A session that was made with a key.
  struct Session: Sendable {
    let id: String
    /// The role that it has; nil: the user's own.
    let role: String?
    let made: Date?
  }

  private static let makingSessions: Set<String> = ["GetSessionToken", "GetFederationToken", "AssumeRole"]

  private static func session(_ event: Event) -> Session? {
    guard !event.isFailed, makingSessions.contains(event.name),
      let id = event.response?["credentials"]?["accessKeyId"]?.string, isID(id, "ASIA")
    else { return nil }
    // arn:aws:iam::123456789012:role/path/NAME
    let role = event.request?["roleArn"]?.string.map { String($0.split(separator: "/").last ?? "") }
    return Session(id: id, role: role, made: event.time)
  }

  /// - Throws: also when not all that CloudTrail has could be read: a role that the key took may stand in the rest.
  func sessions(of ref: CredentialRef, since: Date) async throws(CapabilityError) -> [Session] {
    let trail = try await trail(of: ref.rawValue, since: since)
    guard trail.covered != nil else {
      throw CapabilityError(
        .invalid, "cloudtrail:LookupEvents",
        because: "not every event of the key could be read: nobody can say which roles it took",
        fix:
          "look there by hand; the sessions of user \(settings.user) and of the roles of the entry are ended")
    }
    return trail.events.compactMap(Self.session)
  }

  // MARK: successors

  /// Calls that leave something behind, with what it is and where the record names it.
  private static let lasting: [String: (what: String, names: [String])] = [
    "CreateAccessKey": ("access key of user", ["userName"]),
    "CreateUser": ("user", ["userName"]), "CreateRole": ("role", ["roleName"]),
    "CreateLoginProfile": ("login profile of user", ["userName"]),
    "UpdateLoginProfile": ("changed password of user", ["userName"]),
    "UpdateAccessKey": ("changed state of an access key of user", ["userName"]),
    "UpdateAssumeRolePolicy": ("changed trust of role", ["roleName"]),
    "PutUserPolicy": ("policy of user", ["userName", "policyName"]),
    "PutRolePolicy": ("policy of role", ["roleName", "policyName"]),
    "PutGroupPolicy": ("policy of group", ["groupName", "policyName"]),
    "AttachUserPolicy": ("policy attached to user", ["userName"]),
    "AttachRolePolicy": ("policy attached to role", ["roleName"]),
    "AttachGroupPolicy": ("policy attached to group", ["groupName"]),
    "AddUserToGroup": ("membership of user", ["userName", "groupName"]),
    "CreatePolicy": ("managed policy", ["policyName"]),
    "CreatePolicyVersion": ("version of a managed policy", []),
    "UploadSSHPublicKey": ("SSH key of user", ["userName"]),
    "CreateServiceSpecificCredential": ("service credential of user", ["userName"]),
    "UploadSigningCertificate": ("signing certificate of user", ["userName"]),
    "CreateVirtualMFADevice": ("MFA device", ["virtualMFADeviceName"]),
    "CreateSAMLProvider": ("SAML provider", ["name"]),
    "CreateOpenIDConnectProvider": ("OpenID Connect provider", []),
  ]

  /// The user's other keys, by IAM's list; what the key, its sessions and the keys that they made have made, by CloudTrail.
  /// Without CloudTrail nobody can say that this is all.
  public func successors(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> Successors {
    var found: [Successors.Successor] = []
    for key in try await keys() where key.ref != ref && !memory.isOwn(key.ref) {
      guard since.map({ since in key.created.map { $0 >= since } ?? true }) ?? true else { continue }
      found.append(.init(key.ref, what: "access key of user \(settings.user)", made: key.created))
    }
    var waiting = [ref.rawValue]
    var seen: Set<String> = [ref.rawValue]
    var covered: ClosedRange<Date>?
    var isWhole = true
    while let id = waiting.first {
      waiting.removeFirst()
      let trail: Trail
      do throws(CapabilityError) { trail = try await self.trail(of: id, since: since) } catch {
        // Without the right the list above is what is known, and nobody can say whether it is all.
        guard error.class == .refused || error.class == .unsupported else { throw error }
        return Successors(found, covered: nil)
      }
      if id == ref.rawValue { covered = trail.covered }
      isWhole = isWhole && trail.covered != nil
      for event in trail.events where !event.isFailed {
        var next: String?
        if let session = Self.session(event) {
          next = session.id
          let whose =
            session.role.map { Self.isName($0) ? "role \($0)" : "a role" } ?? "user \(settings.user)"
          found.append(.init(CredentialRef(session.id), what: "session of \(whose)", made: session.made))
        } else if let (made, key) = Self.successor(event) {
          next = key
          if !found.contains(where: { $0.ref == made.ref }) { found.append(made) }
        }
        guard let next, seen.insert(next).inserted else { continue }
        if seen.count <= Self.mostIDs { waiting.append(next) } else { isWhole = false }
      }
    }
    return Successors(found, covered: isWhole ? covered : nil)
  }

  private static func successor(_ event: Event) -> (Successors.Successor, key: String?)? {
    guard let (what, names) = lasting[event.name] else { return nil }
    let key = event.response?["accessKey"]?["accessKeyId"]?.string.flatMap { isID($0) ? $0 : nil }
    let shown = names.compactMap { event.request?[$0]?.string }.map { isName($0) ? $0 : "(no IAM name)" }
    let owner = shown.isEmpty ? "of its own" : shown.joined(separator: "/")
    let ref = key ?? "\(event.name)/\(shown.joined(separator: "/"))"
    return (.init(CredentialRef(ref), what: "\(what) \(owner)", made: event.time), key)
  }

  // MARK: abuse

  /// Management events by address. Calls that are none (an object of S3 that was read) stand in no lookup.
  public func searchAbuse(_ ref: CredentialRef, since: Date?) async throws(CapabilityError) -> AbuseReport {
    let trail: Trail
    do throws(CapabilityError) { trail = try await self.trail(of: ref.rawValue, since: since) } catch {
      guard error.class == .refused || error.class == .unsupported else { throw error }
      return AbuseReport(
        seen: nil, covered: nil, findings: ["CloudTrail cannot be asked: grant cloudtrail:LookupEvents"])
    }
    var calls: [String: Int] = [:]
    var isForeign = false
    for event in trail.events {
      let address = event.address.flatMap { Self.isAddress($0) ? $0 : nil } ?? "an address that is none"
      calls[address, default: 0] += 1
      isForeign = isForeign || !expected.contains(address)
    }
    var findings = calls.sorted { $0.key < $1.key }.map { address, count in
      "\(Count.text(count, "management event")) from \(address)"
        + (expected.isEmpty || expected.contains(address) ? "" : ", not expected")
    }
    findings.append("only management events were looked at: what else it read stands in no lookup")
    guard !expected.isEmpty else {
      return AbuseReport(
        seen: nil, covered: trail.covered,
        findings: findings + ["no expected_clients in staunch.yaml: nobody can say which of them were yours"])
    }
    return AbuseReport(seen: isForeign ? true : nil, covered: trail.covered, findings: findings)
  }

  /// An address, or the host of a service of AWS's.
  private static func isAddress(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || ".:-".utf8.contains(byte)
      }
  }

  // MARK: facts

  public func inspect(_ ref: CredentialRef) async throws(CapabilityError) -> CredentialFacts {
    var facts: [String: JSONValue] = [
      "owner": .string("user \(settings.user)"),
      "survives": .string(
        "sessions of the key and of roles that it took (up to 36 hours), and every key, user, role, login profile and policy that it made"
      ),
    ]
    let key = try await keys().first { $0.ref == ref }
    facts["status"] = .string(key.map { $0.isActive ? "Active" : "Inactive" } ?? "deleted")
    facts["created"] = key?.created.map { .string(Timestamp.text($0)) }
    let used = try await client.answer(.iam, "GetAccessKeyLastUsed", [("AccessKeyId", ref.rawValue)])
    if let failure = client.failure(of: used, .iam, "GetAccessKeyLastUsed", changes: false) {
      guard failure.class == .notFound || failure.class == .refused else { throw failure }
      facts["last_used"] = "unknown"
      return CredentialFacts(facts)
    }
    let last = AWSElement(parsing: used.response.body)?["GetAccessKeyLastUsedResult"]?["AccessKeyLastUsed"]
    facts["last_used"] =
      last?["LastUsedDate"]?.text.isEmpty == false
      ? last?["LastUsedDate"].map { .string($0.text) }
      : "never, as far as IAM keeps it"
    return CredentialFacts(facts)
  }
}
