import Foundation

extension LeakyContents {
  /// A model server's manifest with the registry's token and a key of S3 in its environment.
  /// - Parameter id: goes with the key's `secret`, and is none.
  static func modelServer(token: String, id: String, secret: String) -> LeakyContents {
    let both = ["dockerhub_token", "aws_access_key"]
    func environment(_ token: String, _ secret: String) -> [(name: String, value: String)] {
      [("DOCKERHUB_TOKEN", token), ("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret)]
    }
    return LeakyContents(
      name: "model-server",
      ordinary: [
        "README.md": "# Model server (a drill: nothing here is real)\n", ".gitignore": ".env\n",
        "server.py": """
        \"\"\"Serves the model's answers.\"\"\"
        import os

        import boto3
        from fastapi import FastAPI

        app = FastAPI()
        models = boto3.client("s3")

        """,
      ],
      main: File(
        path: "deploy/model-server.yaml",
        text: """
          apiVersion: apps/v1
          kind: Deployment
          metadata:
            name: model-server
          spec:
            template:
              spec:
                containers:
                  - name: server
                    image: acme/model-server:1
                    env:
                      - {name: DOCKERHUB_TOKEN, value: "\(token)"}
                      - {name: AWS_ACCESS_KEY_ID, value: "\(id)"}
                      - {name: AWS_SECRET_ACCESS_KEY, value: "\(secret)"}

          """, line: 12, kinds: both),
      cleanMain: """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: model-server
        spec:
          template:
            spec:
              containers:
                - name: server
                  image: acme/model-server:1
                  envFrom:
                    - secretRef: {name: model-server}

        """,
      experiment: "                      - {name: WORKERS, value: \"4\"}\n",
      branchFile: File(
        path: "charts/values-canary.yaml", text: "registry:\n  token: \"\(token)\"\n", line: 2,
        kinds: ["dockerhub_token"]),
      notebook: File(
        path: "notebooks/evaluate.ipynb", text: notebook(environment(token, secret)), line: 1, kinds: both),
      cleanNotebook: notebook(environment("removed", "removed")),
      encoded: File(
        path: "k8s/secret.yaml",
        text: manifest(
          "model-server", [("DOCKERHUB_TOKEN", token), ("AWS_SECRET_ACCESS_KEY", secret)]), line: 7,
        kinds: both),
      removed: ["k8s", "charts"],
      tagMessage: "First served model\n\ndocker login -u acme -p \(token)\n",
      note: "the key of the models is \(secret)\n",
      stashed: ("local.env", "AWS_SECRET_ACCESS_KEY=\(secret)\n"))
  }
}
