public import Capabilities
import Cryptography
public import Foundation
import JSON

/// An image at a registry, or every tag of a repository, by the OCI distribution API: manifests, configuration (its environment, what
/// built it) and layers, each blob once. What a later layer deleted is in an earlier one, and found there.
///
/// Reads only, in parts of 8 MiB; each blob is checked against its digest. A copy is named by the manifest that holds it, which never
/// changes: a tag that was moved away leaves it where it is, and gone is said of a manifest that the registry does not know
/// any more. Nobody can list manifests without a tag. Login and redirects: ``RegistrySession``.
/// Sources: https://github.com/opencontainers/distribution-spec/blob/main/spec.md,
/// https://github.com/opencontainers/image-spec/blob/main/manifest.md, https://distribution.github.io/distribution/spec/manifest-v2-2/
public struct RegistryImage: RemoteSource {
  public var name: String { address.reference.map { address.name(of: $0) } ?? address.name }
  private let address: RegistryAddress
  private let session: RegistrySession

  private static let mostTags = 100_000
  private static let mostManifests = 20_000
  /// Indexes within indexes.
  private static let deepest = 4
  /// As registries take it. Source: the specification's "pushing manifests".
  private static let largestManifest = 4 << 20

  /// - Parameter address: `docker://HOST/REPOSITORY[:TAG|@DIGEST]`.
  /// - Throws: `.configuration`.
  public init(
    address: String, login: RegistryLogin?, transport: any HTTPTransport, now: @escaping @Sendable () -> Date
  ) throws(CapabilityError) {
    self.address = try RegistryAddress(address)
    session = RegistrySession(self.address, login: login, transport: transport, now: now)
  }

  /// The host that an address names: whose login it is. - Throws: `.configuration`.
  public static func host(of address: String) throws(CapabilityError) -> String {
    try RegistryAddress(address).host
  }

  public func forEach(_ visit: (RemoteItem) async throws(CapabilityError) -> Void)
    async throws(CapabilityError)
  {
    var walk = Walk()
    if let reference = address.reference {
      if RegistryDigest(reference) != nil, try await isGone(reference) { return }
      return try await visitManifest(reference, of: reference, 0, &walk, visit)
    }
    for tag in try await tags() {
      do throws(CapabilityError) {
        try await visitManifest(tag, of: tag, 0, &walk, visit)
      } catch {
        // Deleted since it was listed, or broken: the others are looked at.
        guard error.class == .notFound || error.class == .invalid else { throw error }
        try await visit(.left(place: address.name(of: tag), why: error.because))
      }
    }
    try await visit(
      .left(
        place: address.name,
        why: "manifests without a tag: a registry does not list them; where a digest is known, name @DIGEST"))
  }

  /// What was met on the way.
  private struct Walk {
    /// Manifests by tag and digest.
    var manifests: Set<String> = []
    /// Blobs by digest, with the name that they were first told of by.
    var blobs: [String: String] = [:]
  }

  /// Whether the registry says in its own word that it has no such manifest. A 404 of a proxy says nothing.
  private func isGone(_ digest: String) async throws(CapabilityError) -> Bool {
    let answer = try await session.answer(
      "manifests/\(digest)", headers: [("Accept", Self.types)], timeout: .seconds(60))
    guard answer.status == 404 else { return false }
    let errors: [JSONValue]
    do throws(JSONError) { errors = try JSONValue(parsing: answer.body)["errors"]?.array ?? [] } catch {
      errors = []  // no JSON: not the registry's own answer
    }
    return errors.contains { $0["code"]?.string == "MANIFEST_UNKNOWN" }
  }

  // MARK: tags

  private func tags() async throws(CapabilityError) -> [String] {
    let operation = "GET /v2/\(address.repository)/tags/list"
    var found: [String] = []
    var last: String?
    repeat {
      let more = last.map { "&last=\(Self.escaped($0))" } ?? ""
      let answer = try await session.get("tags/list?n=1000\(more)")
      let json = try Self.json(answer.body, operation)
      // One whose last tag was deleted has null.
      guard let page = json["tags"] == .null ? [] : json["tags"]?.array else {
        throw CapabilityError(.invalid, operation, because: "the answer is no list of tags")
      }
      let names = page.compactMap(\.string).filter(RegistryAddress.isReference)
      guard names.count == page.count, found.count + names.count <= Self.mostTags,
        names.last != last || names.isEmpty
      else { throw CapabilityError(.invalid, operation, because: "the list cannot be read to its end") }
      found += names
      // Where the next page is stands in our own words: only that there is one is taken from the answer.
      last = answer.headers["link"]?.contains("rel=\"next\"") == true ? names.last : nil
    } while last != nil
    return found.sorted()
  }

  private static func escaped(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
  }

  // MARK: manifests

  private static let types = [
    "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
  ].joined(separator: ", ")

  /// - Parameters:
  ///   - reference: a tag or a digest.
  ///   - root: the tag or digest that leads to it.
  private func visitManifest(
    _ reference: String, of root: String, _ depth: Int, _ walk: inout Walk,
    _ visit: (RemoteItem) async throws(CapabilityError) -> Void
  ) async throws(CapabilityError) {
    guard walk.manifests.insert(reference).inserted else { return }
    let operation = "GET /v2/\(address.repository)/manifests/\(reference)"
    guard depth <= Self.deepest, walk.manifests.count <= Self.mostManifests else {
      throw CapabilityError(.invalid, operation, because: "its manifests have no end")
    }
    let answer = try await session.get("manifests/\(reference)", headers: [("Accept", Self.types)])
    guard answer.body.count <= Self.largestManifest else {
      throw CapabilityError(.invalid, operation, because: "it has more than 4 MiB")
    }
    let digest = "sha256:" + Self.hex(SHA256.hash(data: answer.body))
    guard RegistryDigest(reference) == nil || reference == digest else {
      throw CapabilityError(
        .invalid, operation, because: "what came has another digest than its address says")
    }
    // A second tag of the same.
    guard reference == digest || walk.manifests.insert(digest).inserted else { return }
    let place = Place(name: address.name(of: digest), tag: RegistryDigest(root) == nil ? "tag \(root)" : nil)
    try await visit(
      .document(
        ManifestDocument(name: "\(place.name)/manifests/\(digest)", version: place.tag, body: answer.body)))
    let manifest = try Self.json(answer.body, operation)
    let inner = manifest["manifests"]?.array ?? []
    let layers = ["layers", "blobs", "fsLayers"].flatMap { manifest[$0]?.array ?? [] }
    if manifest["manifests"] == nil, manifest["config"] == nil, layers.isEmpty {
      try await visit(.left(place: place.name, why: "its manifest is of no kind that is known here"))
    }
    for blob in [manifest["config"]].compactMap({ $0 }) + layers {
      try await visitBlob(blob, place, &walk, visit)
    }
    for one in inner {
      guard let digest = one["digest"]?.string, RegistryDigest(digest) != nil else {
        try await visit(.left(place: place.name, why: "one of its manifests has no sha256 digest"))
        continue
      }
      do throws(CapabilityError) {
        try await visitManifest(digest, of: root, depth + 1, &walk, visit)
      } catch {
        // An index may name platforms that were never pushed.
        guard error.class == .notFound else { throw error }
        try await visit(.left(place: address.name(of: digest), why: error.because))
      }
    }
  }

  /// A manifest by its digest, and the tag that led to it.
  private struct Place {
    let name: String
    let tag: String?
  }

  private func visitBlob(
    _ blob: JSONValue, _ place: Place, _ walk: inout Walk,
    _ visit: (RemoteItem) async throws(CapabilityError) -> Void
  ) async throws(CapabilityError) {
    // `blobSum` in manifests of the first version, which say no size.
    guard let text = blob["digest"]?.string ?? blob["blobSum"]?.string, let digest = RegistryDigest(text)
    else {
      return try await visit(.left(place: place.name, why: "one of its blobs has no sha256 digest"))
    }
    let name = "\(place.name)/blobs/sha256/\(digest.text.dropFirst(7))"
    if let first = walk.blobs[digest.text] {
      guard first != name else { return }  // twice in one manifest
      return try await visit(.repeated(first: first, name: name, version: place.tag))
    }
    walk.blobs[digest.text] = name
    try await visit(
      .document(
        RegistryBlob(
          name: name, version: place.tag, blob: digest, size: blob["size"]?.integer, session: session)))
  }

  private static func json(_ body: Data, _ operation: String) throws(CapabilityError) -> JSONValue {
    do throws(JSONError) { return try JSONValue(parsing: body) } catch {
      throw CapabilityError(.invalid, operation, because: "the answer is not JSON")
    }
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
  }
}

private let atItsRegistry =
  "then delete the manifests that name it at the registry, which keeps the blob until its garbage collection"

/// A manifest as it came: annotations may hold what nobody thinks of.
private struct ManifestDocument: RemoteDocument {
  let name: String
  let version: String?
  let body: Data
  var size: Int? { body.count }
  var removal: String? { atItsRegistry }

  func read(from offset: Int) async throws(CapabilityError) -> Data? { Data(body.dropFirst(offset)) }
}

/// A layer or a configuration.
private struct RegistryBlob: RemoteDocument {
  let name: String
  let version: String?
  let blob: RegistryDigest
  let size: Int?
  let session: RegistrySession

  var digest: [UInt8]? { blob.bytes }
  var removal: String? { atItsRegistry }

  private static let part = 8 << 20

  func read(from offset: Int) async throws(CapabilityError) -> Data? {
    if let size, offset >= size { return Data() }
    let last = min(offset + Self.part, size ?? .max) - 1
    let operation = "GET /v2/\(session.address.repository)/blobs/\(blob.text)"
    let answer = try await session.answer(
      "blobs/\(blob.text)", headers: [("Range", "bytes=\(offset)-\(last)")], timeout: .seconds(120))
    // Its size was not said, and it ends here.
    if answer.status == 416, size == nil { return Data() }
    let failure = answer.failure(
      operation, changes: false, now: session.now(),
      fix:
        "set REGISTRY_USERNAME and REGISTRY_PASSWORD to a login that may pull \(session.address.repository)")
    if let failure { throw failure }
    return try answer.part(from: offset, operation)
  }
}
