import Foundation

/// Why something failed, in the system's words: Foundation's own ("NSCocoaErrorDomain error 513") help nobody.
public func plainReason(of error: any Error) -> String {
  let bridged = error as NSError
  let underlying = bridged.userInfo[NSUnderlyingErrorKey] as? NSError
  for candidate in [bridged, underlying].compactMap({ $0 }) where candidate.domain == NSPOSIXErrorDomain {
    let text = NSError(domain: NSPOSIXErrorDomain, code: candidate.code).localizedDescription
    return text.replacing("The operation could not be completed. ", with: "").lowercased()
  }
  if let damage = error as? DecodingError { return reason(of: damage) }
  guard bridged.domain == NSCocoaErrorDomain else { return "\(error)" }
  switch CocoaError.Code(rawValue: bridged.code) {
  case .fileNoSuchFile, .fileReadNoSuchFile: return "no such file or directory"
  case .fileReadNoPermission, .fileWriteNoPermission: return "permission denied"
  case .fileWriteOutOfSpace: return "no space left on device"
  case .fileWriteVolumeReadOnly: return "read-only file system"
  case .fileWriteFileExists: return "file exists"
  default: return "the file system refused it (code \(bridged.code))"  // Foundation has no word for the rest
  }
}

/// Its own description ends in Foundation's error for what is no JSON at all.
private func reason(of damage: DecodingError) -> String {
  func place(_ path: [any CodingKey]) -> String {
    let names = path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
    return path.isEmpty ? "" : " at " + names.joined(separator: ".")
  }
  switch damage {
  case .keyNotFound(let key, let context): return "\(key.stringValue) is missing" + place(context.codingPath)
  case .typeMismatch(_, let context), .valueNotFound(_, let context):
    return "it has not the expected form" + place(context.codingPath)
  case .dataCorrupted(let context): return "it is damaged" + place(context.codingPath)
  @unknown default: return "it cannot be read"
  }
}
