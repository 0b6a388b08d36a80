# Copyright: (c) 2026, flyte.multicluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTP and gRPC in front of the handlers, as grpc-gateway and grpc-go do it."""

from __future__ import annotations

import collections.abc
import http.server
import importlib
import json
import re
import socketserver
import typing as t
import urllib.parse
from concurrent import futures

import grpc
from auth import Auth
from errors import HTTP_STATUS, INVALID_ARGUMENT, NOT_FOUND, Fault, NotServing
from google.api import annotations_pb2
from google.protobuf import descriptor as descriptors
from google.protobuf import json_format, message_factory
from google.rpc import status_pb2
from service import Service, handlers, parse

# Importing them fills the descriptor pool, where the services are found by name.
for _module in ("admin", "auth", "dataproxy", "identity", "signal"):
    importlib.import_module(f"flyteidl.service.{_module}_pb2")

_Handler = collections.abc.Callable[[t.Any], t.Any]
_FD = descriptors.FieldDescriptor


class Route(t.NamedTuple):
    """One HTTP binding of an RPC."""

    verb: str
    pattern: re.Pattern[str]
    names: list[str]
    body: str
    method: t.Any
    handler: _Handler


def routes(service: Service, auth: Auth | None) -> list[Route]:
    """Derive all routes from the google.api.http options."""
    found = []
    for method, handler in handlers(service, auth).values():
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        for binding in (rule, *rule.additional_bindings):
            verb = binding.WhichOneof("pattern")
            if verb in ("get", "put", "post", "delete", "patch"):
                template = getattr(binding, verb)
                names = re.findall(r"{([^}=]+)(?:=[^}]*)?}", template)
                pattern = re.compile("^" + re.sub(r"{[^}]+}", "([^/]+)", template) + "$")
                found.append(Route(verb.upper(), pattern, names, binding.body, method, handler))
    # More literal segments first: /launch_plans/{p}/{d}/{n} against /launch_plan_ids/…
    return sorted(found, key=lambda route: len(route.names))


# -- JSON


def to_json(message: t.Any, *, camel: bool) -> t.Any:
    """Return a message as Go's protojson writes it with unset fields: null, "", 0, [] and {}."""
    if message.DESCRIPTOR.full_name.startswith("google.protobuf."):
        return json_format.MessageToDict(message)
    answer: dict[str, t.Any] = {}
    for field in message.DESCRIPTOR.fields:
        name = field.json_name if camel else field.name
        oneof = field.containing_oneof
        if oneof is not None and message.WhichOneof(oneof.name) != field.name:
            continue
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name["value"]
            answer[name] = {str(key): _value(inner, value[key], camel) for key in value}
        elif field.is_repeated:
            answer[name] = [_value(field, item, camel) for item in value]
        elif field.message_type is not None:
            answer[name] = _value(field, value, camel) if message.HasField(field.name) else None
        else:
            answer[name] = _value(field, value, camel)
    return answer


def _value(field: t.Any, value: t.Any, camel: bool) -> t.Any:
    if field.message_type is not None:
        return to_json(value, camel=camel)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    if field.cpp_type in (_FD.CPPTYPE_INT64, _FD.CPPTYPE_UINT64):
        return str(value)
    if isinstance(value, bytes):
        return json_format.base64.b64encode(value).decode()
    return value


def _set_path(message: t.Any, path: str, text: str) -> None:
    """Set a field by its dotted path from a path segment or a query parameter."""
    *parents, last = path.split(".")
    for parent in parents:
        if parent not in message.DESCRIPTOR.fields_by_name:
            return
        message = getattr(message, parent)
    field = message.DESCRIPTOR.fields_by_name.get(last)
    if field is None:
        return
    if field.enum_type is not None:
        value = field.enum_type.values_by_name.get(text)
        if value is None:
            raise Fault(INVALID_ARGUMENT, f'parsing field "{path}": "{text}" is not a valid value')
        setattr(message, last, value.number)
    elif field.cpp_type == _FD.CPPTYPE_STRING:
        if field.is_repeated:
            getattr(message, last).append(text)
        else:
            setattr(message, last, text)
    elif field.cpp_type == _FD.CPPTYPE_BOOL:
        setattr(message, last, text == "true")
    elif field.cpp_type != _FD.CPPTYPE_MESSAGE:
        setattr(message, last, int(text))


class _RequestHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Gateway

    def _respond(self, status: int, body: bytes, content_type: str | None = "application/json") -> None:
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _json(self, status: int, content: t.Any, content_type: str = "application/json") -> None:
        self._respond(status, json.dumps(content, ensure_ascii=False).encode(), content_type)

    def _handle(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urllib.parse.urlsplit(self.path)
        try:
            if not self.server.serving():
                raise NotServing
            if url.path == "/healthcheck":
                self._respond(200, b"", None)
                return
            if url.path == "/lab/planes":
                self._json(200, self.server.reached())
                return
            if self.server.auth and self.server.auth.answer_http(self, url.path, raw):
                return
            self._rpc(url, raw)
        except NotServing:
            page = b"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>flyteadmin has no ready pod</body>\r\n</html>\r\n"
            self._respond(503, page, "text/html")
        except Fault as fault:
            self._json(HTTP_STATUS.get(fault.code, 500), {"code": fault.code, "message": fault.message, "details": []})

    def _rpc(self, url: urllib.parse.SplitResult, raw: bytes) -> None:
        route, values = self._route(url.path)
        # As the real one: every API path wants a token, the metadata do not.
        if self.server.auth and "AuthMetadataService" not in route.method.full_name:
            self.server.auth.check(dict(self.headers.items()))
        request = message_factory.GetMessageClass(route.method.input_type)()
        if route.body and raw:
            content = self._parse_body(raw)
            parse(request if route.body == "*" else getattr(request, route.body), content)
        for name, text in zip(route.names, values):
            _set_path(request, name, urllib.parse.unquote(text))
        if route.body != "*":
            for name, text in urllib.parse.parse_qsl(url.query):
                _set_path(request, name, text)
        answer = route.handler(request)
        self._json(200, to_json(answer, camel="application/json" not in self.headers.get("Accept", "")))

    @staticmethod
    def _parse_body(raw: bytes) -> t.Any:
        try:
            content = json.loads(raw)
        except ValueError as problem:
            raise Fault(INVALID_ARGUMENT, f"proto:\u00a0syntax error: {problem}") from problem
        if not isinstance(content, dict):
            raise Fault(INVALID_ARGUMENT, f"proto:\u00a0syntax error (line 1:1): unexpected token {json.dumps(content)}")
        return content

    def _route(self, path: str) -> tuple[Route, tuple[str, ...]]:
        for route in self.server.routes:
            match = route.pattern.match(path) if route.verb == self.command else None
            if match:
                return route, match.groups()
        raise Fault(NOT_FOUND, "Not Found")

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = _handle

    def log_message(self, format: str, *args: t.Any) -> None:
        """Write one line a request; headers, which hold tokens, are never logged."""
        print(f"{self.command} {self.path} {args[1] if len(args) > 1 else ''}", flush=True)


class Gateway(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The HTTP server."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, port: int, service: Service, auth: Auth | None, serving: t.Callable[[], bool]) -> None:
        self.routes = routes(service, auth)
        self.auth = auth
        self.serving = serving
        self._service = service
        super().__init__(("127.0.0.1", port), _RequestHandler)

    def reached(self) -> list[dict[str, t.Any]]:
        """Return what each data plane answers to flyteadmin's pods: for tests, the real one has nothing like it."""
        return self._service.control_plane.reached() if self._service.control_plane else []


# -- gRPC


class _Generic(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    def __init__(self, service: Service, auth: Auth | None, serving: t.Callable[[], bool]) -> None:
        self._handlers = {"/" + name.rpartition(".")[0] + "/" + name.rpartition(".")[2]: pair for name, pair in handlers(service, auth).items()}
        self._auth = auth
        self._serving = serving

    def service(self, handler_call_details: t.Any) -> t.Any:
        pair = self._handlers.get(handler_call_details.method)
        if pair is None:
            return None
        method, handler = pair

        def call(request: t.Any, context: grpc.ServicerContext) -> t.Any:
            if not self._serving():
                context.abort(grpc.StatusCode.UNAVAILABLE, "flyteadmin has no ready pod")
            try:
                if self._auth and "AuthMetadataService" not in method.full_name:
                    self._auth.check({key: str(value) for key, value in context.invocation_metadata()})
                return handler(request)
            except Fault as fault:
                if fault.detail is not None:
                    context.set_trailing_metadata((("grpc-status-details-bin", _status(fault)),))
                context.abort(next(item for item in grpc.StatusCode if item.value[0] == fault.code), fault.message)

        return grpc.unary_unary_rpc_method_handler(
            call,
            request_deserializer=message_factory.GetMessageClass(method.input_type).FromString,
            response_serializer=message_factory.GetMessageClass(method.output_type).SerializeToString,
        )


def _status(fault: Fault) -> bytes:
    """Return a fault with its detail, as gRPC sends it beside code and text."""
    status = status_pb2.Status(code=fault.code, message=fault.message)
    status.details.add().Pack(fault.detail)
    return t.cast(bytes, status.SerializeToString())


def grpc_server(port: int, service: Service, auth: Auth | None, serving: t.Callable[[], bool]) -> grpc.Server:
    """Return the gRPC server, not started yet."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((_Generic(service, auth, serving),))
    if server.add_insecure_port(f"127.0.0.1:{port}") == 0:
        raise OSError(f"port {port} is taken")
    return server
