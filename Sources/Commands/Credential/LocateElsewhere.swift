import Capabilities
import Foundation
import GitHistory
import Platforms
import Response
import Secrets

/// What of `credential locate`'s paths lies elsewhere, and the logins that go there: as Terraform and AWS's own programs take them
/// from the environment, each to the one address that it is for.
struct LocateElsewhere {
  let documents: [any RemoteDocument]
  let sources: [any RemoteSource]

  static func isAddress(_ text: String) -> Bool {
    ["https://", "http://", "s3://", "docker://"].contains { text.hasPrefix($0) }
  }

  init(_ paths: [String], in assembly: Assembly) throws {
    let addresses = paths.filter { Self.isAddress($0) }
    let outside = assembly.adapterEnvironment()
    guard !addresses.contains(where: { Self.hasLogin($0) }) else {
      throw CommandFailure(
        .usage, "an address takes no login", because: "arguments are visible to every user of the machine",
        fix: "set TF_HTTP_USERNAME and TF_HTTP_PASSWORD, or REGISTRY_USERNAME and REGISTRY_PASSWORD")
    }
    documents = try Self.states(addresses.filter { $0.hasPrefix("http") }, outside, assembly)
    do {
      sources =
        try Self.buckets(addresses.filter { $0.hasPrefix("s3:") }, outside, assembly)
        + Self.images(addresses.filter { $0.hasPrefix("docker:") }, outside, assembly)
    } catch let error as CapabilityError {
      throw CommandFailure(
        .usage, error.operation, because: error.because, fix: error.fix ?? "staunch help credential locate")
    }
  }

  /// `user:password@` before the host; `@sha256:…` behind it is none.
  private static func hasLogin(_ address: String) -> Bool {
    guard let start = address.range(of: "://") else { return false }
    return address[start.upperBound...].prefix { $0 != "/" }.contains("@")
  }

  private static func secret(_ name: String, _ assembly: Assembly) -> Secret? {
    guard let text = assembly.environment[name], !text.isEmpty else { return nil }
    let secret = Secret(text)
    assembly.redactor.register(secret)
    return secret
  }

  /// `NAME_USERNAME` and `NAME_PASSWORD`; nil: no password is set. A name that is set may be empty.
  private static func login(_ name: String, _ assembly: Assembly) throws -> (user: String, password: Secret)?
  {
    guard let password = secret("\(name)_PASSWORD", assembly) else { return nil }
    guard let user = assembly.environment["\(name)_USERNAME"] else {
      throw CommandFailure(
        .usage, "nobody can be logged in", because: "\(name)_PASSWORD is set, and \(name)_USERNAME is not",
        fix: "set \(name)_USERNAME, too, or unset \(name)_PASSWORD")
    }
    return (user, password)
  }

  /// States behind HTTP. Terraform's own login goes to the one address that it is for.
  private static func states(
    _ addresses: [String], _ outside: AdapterEnvironment, _ assembly: Assembly
  ) throws -> [any RemoteDocument] {
    guard !addresses.isEmpty else { return [] }
    let known = assembly.environment["TF_HTTP_ADDRESS"] ?? (addresses.count == 1 ? addresses[0] : nil)
    let login = try login("TF_HTTP", assembly).map { TerraformHTTPState.Login(user: $0, password: $1) }
    return addresses.map {
      TerraformHTTPState(
        address: $0, login: $0 == known ? login : nil, transport: outside.http, now: outside.now)
    }
  }

  private static func buckets(
    _ addresses: [String], _ outside: AdapterEnvironment, _ assembly: Assembly
  ) throws -> [any RemoteSource] {
    guard !addresses.isEmpty else { return [] }
    let environment = assembly.environment
    guard let id = environment["AWS_ACCESS_KEY_ID"], !id.isEmpty,
      let key = secret("AWS_SECRET_ACCESS_KEY", assembly),
      let region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"], !region.isEmpty
    else {
      throw CommandFailure(
        .usage, "a bucket cannot be read", because: "no key or no region is given for it",
        fix: "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, for a session AWS_SESSION_TOKEN, and AWS_REGION")
    }
    let isRegion = region.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2D
    }
    guard isRegion else {
      throw CommandFailure(
        .usage, "a bucket cannot be read", because: "AWS_REGION is no region",
        fix: "write it as AWS does: eu-central-1")
    }
    let login = S3Versions.Login(
      accessKeyID: id, secretAccessKey: key, sessionToken: secret("AWS_SESSION_TOKEN", assembly))
    return try addresses.map {
      try S3Versions(
        address: $0, login: login, region: region,
        endpoint: environment["AWS_ENDPOINT_URL_S3"] ?? environment["AWS_ENDPOINT_URL"],
        transport: outside.http, now: outside.now)
    }
  }

  /// The login goes to one registry: the only one that is named, else REGISTRY_HOST.
  private static func images(
    _ addresses: [String], _ outside: AdapterEnvironment, _ assembly: Assembly
  ) throws -> [any RemoteSource] {
    let hosts = Set(try addresses.map { try RegistryImage.host(of: $0) })
    let known = assembly.environment["REGISTRY_HOST"] ?? (hosts.count == 1 ? hosts.first : nil)
    let login = try login("REGISTRY", assembly).map {
      RegistryLogin(user: $0, password: $1, tokenHost: assembly.environment["REGISTRY_TOKEN_HOST"])
    }
    return try addresses.map {
      try RegistryImage(
        address: $0, login: try RegistryImage.host(of: $0) == known ? login : nil, transport: outside.http,
        now: outside.now)
    }
  }
}
