import Foundation

/// Why something failed, in the system's words: Foundation's own ("NSCocoaErrorDomain error 513") help nobody.
public func plainReason(of error: any Error) -> String {
  let bridged = error as NSError
  let underlying = bridged.userInfo[NSUnderlyingErrorKey] as? NSError
  for candidate in [bridged, underlying].compactMap({ $0 }) where candidate.domain == NSPOSIXErrorDomain {
    return String(cString: strerror(Int32(candidate.code))).lowercased()
  }
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
