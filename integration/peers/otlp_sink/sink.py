"""Takes OTLP over gRPC and HTTP and writes each request, as the official classes read it, as a
line of JSON. Usage: sink.py GRPC_PORT HTTP_PORT FILE
"""
import gzip
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from google.protobuf.json_format import MessageToJson, Parse
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc

GRPC_PORT, HTTP_PORT, FILE = sys.argv[1:]
LOCK = threading.Lock()
SIGNALS = {
    "/v1/logs": (logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse),
    "/v1/metrics": (metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse),
}


def keep(request):
    line = MessageToJson(request, indent=None, use_integers_for_enums=True)
    with LOCK, open(FILE, "a", encoding="utf-8") as file:
        file.write(line + "\n")


class Grpc(logs_grpc.LogsServiceServicer, metrics_grpc.MetricsServiceServicer):
    def Export(self, request, context):
        keep(request)
        of_logs = isinstance(request, logs.ExportLogsServiceRequest)
        return SIGNALS["/v1/logs" if of_logs else "/v1/metrics"][1]()


class Http(BaseHTTPRequestHandler):
    def do_POST(self):
        request, response = (kind() for kind in SIGNALS[self.path])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        is_json = self.headers["Content-Type"].startswith("application/json")
        Parse(body, request) if is_json else request.ParseFromString(body)
        keep(request)
        answer = MessageToJson(response).encode() if is_json else response.SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", self.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = grpc.server(ThreadPoolExecutor(4))
logs_grpc.add_LogsServiceServicer_to_server(Grpc(), server)
metrics_grpc.add_MetricsServiceServicer_to_server(Grpc(), server)
server.add_insecure_port(f"127.0.0.1:{GRPC_PORT}")
server.start()
ThreadingHTTPServer(("127.0.0.1", int(HTTP_PORT)), Http).serve_forever()
