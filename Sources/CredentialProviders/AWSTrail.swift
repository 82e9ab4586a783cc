import Capabilities
import Foundation
import Incidents
import JSON
import RESTClient

/// What was done with an access key or a session, as CloudTrail tells it: management events of the last 90 days, in the regions
/// that are asked. Names in them are the holder's own text: they are shown where they have the form of an IAM name.
/// Source: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
struct AWSTrail: Sendable {
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
    /// The role whose session did it; nil: it was none, or the record does not say.
    let role: String?
    /// False: its record cannot be read, so nobody knows what it made.
    let isReadable: Bool
    let request: JSONValue?
    let response: JSONValue?
  }

  /// What CloudTrail said of one id.
  struct Stretch: Sendable {
    var events: [Event] = []
    /// Nil: not all of it was read.
    var covered: ClosedRange<Date>?
  }

  let client: AWSClient
  /// Where CloudTrail is asked: IAM's own events are in one region of each partition.
  let regions: [String]

  /// - Parameter further: regions besides that of the entry and the one of IAM's events.
  init(client: AWSClient, further: [String]) {
    self.client = client
    regions = Set([client.place(of: .iam).region, client.settings.region] + further).sorted()
  }

  /// Oldest last, as CloudTrail gives them. - Parameter since: nil: as far back as it goes.
  func events(of id: String, since: Date?) async throws(CapabilityError) -> Stretch {
    let now = client.environment.now()
    let earliest = now.addingTimeInterval(-Self.retention)
    let start = min(max(since ?? earliest, earliest), now)
    var trail = Stretch()
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
      role: record?["userIdentity"]?["sessionContext"]?["sessionIssuer"]?["userName"]?.string,
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

  static func session(_ event: Event) -> Session? {
    guard !event.isFailed, makingSessions.contains(event.name),
      let id = event.response?["credentials"]?["accessKeyId"]?.string, AWSAccessKey.isID(id, "ASIA")
    else { return nil }
    // arn:aws:iam::123456789012:role/path/NAME
    let role = event.request?["roleArn"]?.string.map { String($0.split(separator: "/").last ?? "") }
    return Session(id: id, role: role, made: event.time)
  }

  // MARK: what was made

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
    // Fifteen minutes to an hour; with AutoCreate the user stays.
    "GetClusterCredentials": ("login of Redshift", ["clusterIdentifier", "dbUser"]),
    "GetClusterCredentialsWithIAM": ("login of Redshift", ["clusterIdentifier"]),
    "CreateClusterUser": ("user of Redshift", ["clusterIdentifier", "dbUser"]),
  ]

  /// What an id, its sessions and the keys that they made have made. - Parameter owner: whose the id is: `user app`.
  /// - Returns: what was found, and the stretch of time that CloudTrail answered for; nil: nobody can say that this is all.
  func made(by id: String, of owner: String, since: Date?) async throws(CapabilityError)
    -> (found: [Successors.Successor], covered: ClosedRange<Date>?)
  {
    var found: [Successors.Successor] = []
    var waiting = [id]
    var seen: Set<String> = [id]
    var covered: ClosedRange<Date>?
    var isWhole = true
    while let next = waiting.first {
      waiting.removeFirst()
      let trail: Stretch
      do throws(CapabilityError) { trail = try await events(of: next, since: since) } catch {
        // Without the right nobody can say whether there is more.
        guard error.class == .refused || error.class == .unsupported else { throw error }
        return (found, nil)
      }
      if next == id { covered = trail.covered }
      isWhole = isWhole && trail.covered != nil
      for event in trail.events where !event.isFailed {
        var another: String?
        if let session = Self.session(event) {
          another = session.id
          let whose = session.role.map { AWSAccessKey.isName($0) ? "role \($0)" : "a role" } ?? owner
          found.append(.init(CredentialRef(session.id), what: "session of \(whose)", made: session.made))
        } else if let (made, key) = Self.successor(event) {
          another = key
          if !found.contains(where: { $0.ref == made.ref }) { found.append(made) }
        }
        guard let another, seen.insert(another).inserted else { continue }
        if seen.count <= Self.mostIDs { waiting.append(another) } else { isWhole = false }
      }
    }
    return (found, isWhole ? covered : nil)
  }

  private static func successor(_ event: Event) -> (Successors.Successor, key: String?)? {
    guard let (what, names) = lasting[event.name] else { return nil }
    let key = event.response?["accessKey"]?["accessKeyId"]?.string.flatMap {
      AWSAccessKey.isID($0) ? $0 : nil
    }
    let shown = names.compactMap { event.request?[$0]?.string }.map {
      AWSAccessKey.isName($0) ? $0 : "(no IAM name)"
    }
    let owner = shown.isEmpty ? "of its own" : shown.joined(separator: "/")
    let ref = key ?? "\(event.name)/\(shown.joined(separator: "/"))"
    return (.init(CredentialRef(ref), what: "\(what) \(owner)", made: event.time), key)
  }

  // MARK: abuse

  /// Management events by address. Calls that are none (an object of S3 that was read) stand in no lookup.
  func abuse(of id: String, since: Date?, expected: ClientAddresses) async throws(CapabilityError)
    -> AbuseReport
  {
    let trail: Stretch
    do throws(CapabilityError) { trail = try await events(of: id, since: since) } catch {
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
}
