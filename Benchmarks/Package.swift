// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "staunch", path: ".."),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .executableTarget(
      name: "history-engine",
      dependencies: [
        .product(name: "GitObjects", package: "staunch"), .product(name: "Secrets", package: "staunch"),
      ]),
    .executableTarget(
      name: "history-rewrite",
      dependencies: [
        .product(name: "GitHistory", package: "staunch"), .product(name: "GitObjects", package: "staunch"),
        .product(name: "Secrets", package: "staunch"),
      ]),
    .executableTarget(
      name: "step-engine",
      dependencies: [
        .product(name: "Execution", package: "staunch"), .product(name: "GRDB", package: "GRDB.swift"),
      ]),
    .executableTarget(
      name: "http-questions",
      dependencies: [
        .product(name: "HTTP", package: "staunch"), .product(name: "Secrets", package: "staunch"),
      ]),
    // The simulation of Tests/ExecutionTests in a release build (links to its files), for runs of many thousands.
    .executableTarget(
      name: "simulation", dependencies: [.product(name: "Execution", package: "staunch")]),
  ],
  swiftLanguageModes: [.v6]
)
