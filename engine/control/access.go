package control

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// visitor is who makes a request.
type visitor struct {
	role Role
	name string // for the log; nothing secret
}

// gate decides who may enter through one listener.
type gate interface {
	// pass says who makes the request.
	pass(r *http.Request) (visitor, *Problem)
	// host tells whether name, from the Host header and without a port, is this host.
	host(name string) bool
}

type visitorKey struct{}

// whoIs returns the visitor that a gate has let in with r.
func whoIs(r *http.Request) visitor {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	return v
}

// admit lets a request through gate g to next, or answers it.
func admit(g gate, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		restrict(w, "default-src 'none'; frame-ancestors 'none'")
		if p := checkHost(g, r); p != nil {
			p.write(w)
			return
		}
		v, p := g.pass(r)
		if p != nil {
			if p.Status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Bearer realm="hotreload"`)
			}
			p.write(w)
			return
		}
		w.Header().Set(headerRole, v.role.String())
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
	})
}

// restrict tells a browser not to keep an answer, not to guess its type, and by policy what may come of it.
func restrict(w http.ResponseWriter, policy string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", policy)
}

// checkHost refuses what a web page makes a browser send: to a name that the page's owner has pointed here (DNS
// rebinding), or from another origin.
func checkHost(g gate, r *http.Request) *Problem {
	name := hostname(r.Host)
	if !g.host(name) {
		return problem(http.StatusMisdirectedRequest, "foreign-host", "expected the address of this host in Host, got %q", r.Host)
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host != r.Host {
			return problem(http.StatusForbidden, "foreign-origin", "expected no Origin, or http(s)://%s, got %q", r.Host, origin)
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return problem(http.StatusForbidden, "foreign-origin", "expected a request from here, got one that is %q", site)
	}
	return nil
}

// hostname returns host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return strings.ToLower(name)
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// loopback tells whether name is one of this machine's own that no other machine can have.
func loopback(name string) bool {
	if name == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Unmap().IsLoopback()
}

// tokenGate asks for one of the tokens. It guards loopback.
type tokenGate struct{ tokens tokens }

func (g tokenGate) pass(r *http.Request) (visitor, *Problem) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return visitor{}, problem(http.StatusUnauthorized, "unauthorized", "expected a bearer token from the host's token file, got none")
	}
	role := g.tokens.role(strings.ToLower(strings.TrimSpace(token)))
	if role == 0 {
		return visitor{}, problem(http.StatusUnauthorized, "unauthorized", "expected a bearer token from the host's token file, got another")
	}
	return visitor{role, "token for " + role.String()}, nil
}

func (tokenGate) host(name string) bool { return loopback(name) }
