package main

import (
	"context"
	"os"
	"os/exec"

	"hotreload/bench/call"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// handshake tells the plugin process what it was started for.
var handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "HOTRELOAD_BENCH_TICKER", MagicCookieValue: "1"}

var plugins = plugin.PluginSet{"ticker": ticker{}}

// ticker is the plugin on both sides. Its messages are ready-made ones, so that no code has to be generated.
type ticker struct{ plugin.NetRPCUnsupportedPlugin }

// GRPCServer implements plugin.GRPCPlugin.
func (ticker) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	s.RegisterService(&service, new(states))
	return nil
}

// GRPCClient implements plugin.GRPCPlugin.
func (ticker) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}

type states [shards]struct {
	time         float64
	ticks, build uint64
}

const method = "/hotreload.Ticker/Tick"

var service = grpc.ServiceDesc{
	ServiceName: "hotreload.Ticker",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Tick", Handler: func(
		server any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor,
	) (any, error) {
		count := new(wrapperspb.UInt32Value)
		if err := decode(count); err != nil {
			return nil, err
		}
		all := server.(*states)
		for i := range min(int(count.Value), shards) {
			all[i].time += dt
			all[i].ticks++
			all[i].build = 1
		}
		return new(emptypb.Empty), nil
	}}},
}

// served is the plugin's side: it tells whether this process was started as the plugin and has ended as one.
func served() bool {
	if os.Getenv(handshake.MagicCookieKey) == "" {
		return false
	}
	plugin.Serve(&plugin.ServeConfig{HandshakeConfig: handshake, Plugins: plugins, GRPCServer: plugin.DefaultGRPCServer})
	return true
}

// openGRPC starts this program again as the plugin. Its calls take time in two processes, so the wall clock counts.
func openGRPC(string) ([]call.Peer, func(), error) {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: handshake, Plugins: plugins, Cmd: exec.Command("/proc/self/exe"), Logger: hclog.NewNullLogger(),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
	})
	protocol, err := client.Client()
	if err != nil {
		client.Kill()
		return nil, nil, err
	}
	raw, err := protocol.Dispense("ticker")
	if err != nil {
		client.Kill()
		return nil, nil, err
	}
	ctx, connection := context.Background(), raw.(*grpc.ClientConn)
	enter := func(n uint32) func() {
		request, answer := wrapperspb.UInt32(n), new(emptypb.Empty)
		return func() { must(connection.Invoke(ctx, method, request, answer)) }
	}
	return []call.Peer{
		{Way: call.Way{Name: "go-plugin, gRPC, wall clock", Shards: 1}, Clock: call.Wall, Call: enter(1)},
		{Way: call.Way{Name: "go-plugin, gRPC, wall clock", Shards: shards}, Clock: call.Wall, Call: enter(shards)},
	}, client.Kill, nil
}
