import Foundation

/// Called by libFuzzer with one input after another.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let directory = "\(NSTemporaryDirectory())/staunch-fuzz-\(getpid())"
  do {
    try PackFuzzInput(Array(UnsafeBufferPointer(start: bytes, count: count))).exercise(in: directory)
  } catch {
    fatalError("\(error)")
  }
  return 0
}
