public import Foundation

/// A document that does not lie on this machine: a state behind HTTP, a version of an object in a bucket, a layer at a registry.
/// Whoever knows such a system makes one for each document; the search looks into it as into a file. Reads only.
public protocol RemoteDocument: Sendable {
  /// Its address, without any login and without a query, which may hold one.
  var name: String { get }
  /// Which of several under that address: `version 3sL4kq`; nil: there is one.
  var version: String? { get }
  /// What it says to have, in bytes; nil: it does not say.
  var size: Int? { get }
  /// SHA-256 of all of it, where its address is that; nil: nobody knows. What has another one is named as not searched.
  var digest: [UInt8]? { get }
  /// What takes it away for good, in words, besides what is done about its kind; nil: nothing of its own.
  var removal: String? { get }

  /// The bytes from `offset` on, as many as the system gives at once, at most 16 MiB.
  /// - Parameter offset: 0, then where the last part ended.
  /// - Returns: empty: it ends there; nil: nothing is there at all.
  /// - Throws: when it cannot be read: it is then named as not searched.
  func read(from offset: Int) async throws(CapabilityError) -> Data?
}

extension RemoteDocument {
  public var version: String? { nil }
  public var size: Int? { nil }
  public var digest: [UInt8]? { nil }
  public var removal: String? { nil }
}

/// Where documents lie elsewhere, before anybody knows which: a bucket, a repository of images.
public protocol RemoteSource: Sendable {
  /// Its address, without any login.
  var name: String { get }

  /// Tells of every document there is, one after another, and of what cannot be read.
  /// - Throws: when what there is cannot be listed to its end, and what `visit` throws.
  func forEach(_ visit: (RemoteItem) async throws(CapabilityError) -> Void) async throws(CapabilityError)
}

/// What a source tells of.
public enum RemoteItem: Sendable {
  case document(any RemoteDocument)
  /// The document that was told of as `first` stands here as well: it is not read again.
  case repeated(first: String, name: String, version: String?)
  /// There is something at `place` that is not searched.
  case left(place: String, why: String)
}

extension HTTPResponse {
  /// The bytes that an answer to `Range: bytes=OFFSET-…` has from `offset` on. A server may send all of it instead.
  /// - Throws: `.invalid` when they are others than were asked for.
  public func part(from offset: Int, _ operation: String) throws(CapabilityError) -> Data {
    if status == 200 {
      guard body.count >= offset else {
        throw CapabilityError(.invalid, operation, because: "it ends before what it says to have")
      }
      return Data(body.dropFirst(offset))
    }
    // RFC 9110 §14.4
    guard status == 206, headers["content-range"]?.hasPrefix("bytes \(offset)-") == true else {
      throw CapabilityError(
        .invalid, operation, because: "the server sends another part than it was asked for (HTTP \(status))")
    }
    return body
  }
}
