import Foundation

/// Tells whether a file was changed or replaced, as Git's index does: number, size and times. Missing files are equal.
struct FileFingerprint: Sendable, Equatable {
  private let inode: UInt64
  private let size: Int64
  private let seconds: Int
  private let nanoseconds: Int

  init(_ path: PathBytes) {
    let status = DurableFiles.status(of: path)
    inode = status.map { UInt64($0.st_ino) } ?? 0
    size = status.map { Int64($0.st_size) } ?? -1
    seconds = status.map { Int($0.st_mtim.tv_sec) } ?? 0
    nanoseconds = status.map { Int($0.st_mtim.tv_nsec) } ?? 0
  }
}
