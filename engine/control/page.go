package control

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"hotreload/engine/control/web"
)

// headerRole tells a client what it may do.
const headerRole = "Hotreload-Role"

// pagePolicy lets the web page load and ask what comes from here, and nothing else.
const pagePolicy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page serves the files of the web page, which hold nothing that is secret, to whoever gets through to g, and leaves all
// else to next: what the page asks for needs a token or a certificate like what others do.
func page(g gate, next http.Handler) http.Handler {
	files := web.Files()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := files[r.URL.Path]
		if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		restrict(w, pagePolicy)
		if p := checkHost(g, r); p != nil {
			p.write(w)
			return
		}
		w.Header().Set("Content-Type", file.Type)
		_, _ = w.Write(file.Content) // to a client that may be gone
	})
}

// PageURL is the address of the web page of the host at to, with a token for role, or else one for less, in its fragment,
// which no browser sends. With certificates the browser needs one, and no token.
func PageURL(to Target, role Role) (string, error) {
	name, _, err := net.SplitHostPort(to.Address)
	if err != nil || name == "" || strings.HasPrefix(to.Address, "unix:") {
		return "", fmt.Errorf("web: expected HOST:PORT, got %q: no browser opens a unix socket", to.Address)
	}
	if to.TLS != "" {
		return "https://" + to.Address + "/", nil
	}
	if !loopback(name) {
		return "", fmt.Errorf("host %s: %w", to.Address, errClientNeedsTLS)
	}
	t, err := to.tokens()
	if err != nil {
		return "", err
	}
	token, ok := t.best(role)
	if !ok {
		return "", fmt.Errorf("web: expected a token for %s or less in the token file, got none", role)
	}
	return "http://" + to.Address + "/#token=" + token, nil
}
