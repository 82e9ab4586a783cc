import Foundation

/// One for the whole run: what an input leaves behind is part of what the next one meets.
private let target: FuzzTarget = {
  let directory = "\(NSTemporaryDirectory())/staunch-fuzz-\(getpid())"
  do {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    return try FuzzTarget(directory: directory)
  } catch {
    fatalError("\(error)")
  }
}()

/// Called by libFuzzer with one input after another.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  do {
    try target.exercise(Array(UnsafeBufferPointer(start: bytes, count: count)))
  } catch {
    fatalError("\(error)")
  }
  return 0
}
