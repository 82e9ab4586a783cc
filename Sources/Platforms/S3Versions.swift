public import Capabilities
public import Foundation
import RESTClient
public import Secrets

/// Every version of every object of a bucket whose key begins with some text: the state of Terraform or OpenTofu in its S3
/// backend with all former ones, backups, artefacts.
///
/// Reads only: `s3:ListBucketVersions` on the bucket, `s3:GetObjectVersion` on its objects (without versions `s3:GetObject`),
/// `kms:Decrypt` where they are encrypted so. What is archived, encrypted with a customer's own key, or may not be read is named.
/// A deletion only hides what was there: each version is read by its id.
///
/// The threat: whoever can write the bucket chooses what is read. Names are shown without control characters, archives are
/// bounded, and the bucket's own answers never say where to ask next: an address is made of its name alone.
/// Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html, …/API_GetObject.html,
/// https://developer.hashicorp.com/terraform/language/backend/s3
public struct S3Versions: RemoteSource {
  /// The key that reads, as AWS's own programs take it.
  public struct Login: Sendable {
    let keys: AWSKeys

    public init(accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret?) {
      keys = AWSKeys(
        accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken)
    }
  }

  public let name: String
  private let bucket: String
  private let prefix: String
  private let reader: S3Reader

  /// As many pages of a thousand versions.
  private static let mostPages = 10_000

  /// - Parameters:
  ///   - address: `s3://BUCKET/PREFIX`; without a prefix everything that the bucket holds.
  ///   - endpoint: where S3 is, instead of AWS's own host of the region.
  /// - Throws: `.configuration` for what is no address of a bucket.
  public init(
    address: String, login: Login, region: String, endpoint: String?, transport: any HTTPTransport,
    now: @escaping @Sendable () -> Date
  ) throws(CapabilityError) {
    let rest = address.dropFirst("s3://".count)
    bucket = String(rest.prefix { $0 != "/" })
    prefix = String(rest.dropFirst(bucket.count + 1))
    let isName =
      (3...63).contains(bucket.utf8.count)
      && bucket.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
      }
    guard address.hasPrefix("s3://"), isName else {
      throw CapabilityError(
        .configuration, "search a bucket", because: "it is no bucket's address",
        fix: "write s3://BUCKET/PREFIX")
    }
    name = "s3://\(bucket)/\(prefix)"
    let base = endpoint ?? "https://s3.\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")"
    reader = S3Reader(
      base: (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/\(AWSSignature.escaped(bucket))",
      keys: login.keys, signature: AWSSignature(service: "s3", region: region), transport: transport, now: now
    )
  }

  public func forEach(_ visit: (RemoteItem) async throws(CapabilityError) -> Void)
    async throws(CapabilityError)
  {
    var markers = ""
    var seen: Set<String> = []
    repeat {
      guard seen.insert(markers).inserted, seen.count <= Self.mostPages else {
        throw CapabilityError(.invalid, S3Reader.list, because: "the list has no end")
      }
      let page = try await page(markers)
      for element in page.children where element.name == "Version" {
        try await visit(try item(element, isEncoded: page["EncodingType"]?.text == "url"))
      }
      markers = try Self.next(of: page)
    } while !markers.isEmpty
  }

  private func page(_ markers: String) async throws(CapabilityError) -> AWSElement {
    let query =
      "?versions=&encoding-type=url&max-keys=1000"
      + (prefix.isEmpty ? "" : "&prefix=\(AWSSignature.escaped(prefix))") + markers
    let answer = try await reader.get(query, right: S3Reader.list, timeout: .seconds(60))
    guard let page = AWSElement(parsing: answer.body), page.name == "ListVersionsResult" else {
      throw CapabilityError(.invalid, S3Reader.list, because: "the answer is no list of versions")
    }
    return page
  }

  /// What asks for the page behind this one; empty: it is the last.
  private static func next(of page: AWSElement) throws(CapabilityError) -> String {
    guard page["IsTruncated"]?.text == "true" else { return "" }
    guard let key = page["NextKeyMarker"]?.text, !key.isEmpty else {
      throw CapabilityError(.invalid, S3Reader.list, because: "the list breaks off")
    }
    let isEncoded = page["EncodingType"]?.text == "url"
    let version = page["NextVersionIdMarker"]?.text ?? ""
    return "&key-marker=\(AWSSignature.escaped(isEncoded ? decoded(key) : key))"
      + (version.isEmpty ? "" : "&version-id-marker=\(AWSSignature.escaped(version))")
  }

  private func item(_ element: AWSElement, isEncoded: Bool) throws(CapabilityError) -> RemoteItem {
    guard let told = element["Key"]?.text, let version = element["VersionId"]?.text,
      let size = element["Size"].flatMap({ Int($0.text) }), size >= 0
    else {
      throw CapabilityError(.invalid, S3Reader.list, because: "the answer has a version without its size")
    }
    let key = isEncoded ? Self.decoded(told) : told
    let document = S3Version(
      name: "s3://\(bucket)/\(key)", key: key, id: version, size: size, tag: element["ETag"]?.text ?? "",
      isLatest: element["IsLatest"]?.text == "true", reader: reader)
    if let storage = element["StorageClass"]?.text, ["GLACIER", "DEEP_ARCHIVE"].contains(storage) {
      return .left(
        place: "\(document.name) (version \(version))",
        why: "it is archived (\(storage)): aws s3api restore-object, then search again")
    }
    return .document(document)
  }

  /// Percent-encoded, and a space as `+`.
  private static func decoded(_ text: String) -> String {
    let spaced = text.replacing("+", with: "%20")
    return spaced.removingPercentEncoding ?? text
  }
}

/// One version of one object.
private struct S3Version: RemoteDocument {
  let name: String
  let key: String
  let id: String
  let size: Int?
  let tag: String
  let isLatest: Bool
  let reader: S3Reader

  /// Of a bucket without versions every id is `null`.
  var version: String? { id == "null" ? nil : "version \(id)\(isLatest ? "" : ", former")" }
  var removal: String? {
    id == "null"
      ? nil
      : "then delete this version of the object as well (aws s3api delete-object with --version-id): a new one or a deletion only hides it"
  }

  private static let part = 8 << 20

  func read(from offset: Int) async throws(CapabilityError) -> Data? {
    let size = size ?? 0
    guard offset < size || offset == 0 else { return Data() }
    if size == 0 { return Data() }
    var headers = [("Range", "bytes=\(offset)-\(min(offset + Self.part, size) - 1)")]
    // One without a version can be written while we read it.
    if !tag.isEmpty { headers.append(("If-Match", tag)) }
    let answer = try await reader.get(
      "/\(AWSSignature.escaped(key, besides: "/"))?versionId=\(AWSSignature.escaped(id))", headers: headers,
      right: "s3:GetObjectVersion", timeout: .seconds(120))
    return try answer.part(from: offset, "s3:GetObjectVersion")
  }
}

/// GETs of one bucket.
private struct S3Reader: Sendable {
  static let list = "s3:ListBucketVersions"

  let base: String
  let keys: AWSKeys
  let signature: AWSSignature
  let transport: any HTTPTransport
  let now: @Sendable () -> Date

  func get(
    _ path: String, headers: [(String, String)] = [], right: String, timeout: Duration
  ) async throws(CapabilityError) -> HTTPResponse {
    let response = try await transport.fetch(
      signature.get(
        base + path, headers: headers.map { (name: $0.0, value: $0.1) }, keys: keys, date: now(),
        timeout: timeout))
    let answer = AWSAnswer(response)
    if let region = response.headers["x-amz-bucket-region"], region != signature.region,
      !(200...299).contains(response.status)
    {
      let word = region.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
      throw CapabilityError(
        .configuration, right, because: "the bucket is in another region (\(answer.word))",
        fix: "set AWS_REGION=\(word.prefix(40))")
    }
    if answer.code == "InvalidObjectState" {
      throw CapabilityError(
        .unsupported, right, because: "it is archived", fix: "aws s3api restore-object, then search again")
    }
    if answer.isStranger || answer.isWrongSecret || answer.isExpired {
      throw CapabilityError(
        .refused, right, because: "S3 does not accept the key (\(answer.word))",
        fix: "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for a session, AWS_SESSION_TOKEN")
    }
    if answer.code == "NoSuchBucket" {
      throw CapabilityError(.notFound, right, because: "there is no such bucket", fix: "correct its name")
    }
    if let failure = answer.failure(right, changes: false, now: now()) { throw failure }
    return response
  }
}
