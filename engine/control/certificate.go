package control

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// The files of a bundle, as 'hotreload pki init' writes them: all that one end of a connection needs.
const (
	fileCA         = "ca.crt"
	fileServerCert = "server.crt"
	fileServerKey  = "server.key"
	fileClientCert = "client.crt"
	fileClientKey  = "client.key"
)

// serverBundle is a TLS configuration and the gate that goes with it: clients show a certificate of the same authority,
// whose organizational unit is their role.
type serverBundle struct {
	config *tls.Config
	names  *x509.Certificate // the server's own
}

func loadServer(dir string) (*serverBundle, error) {
	roots, cert, err := loadBundle(dir, fileServerCert, fileServerKey)
	if err != nil {
		return nil, err
	}
	return &serverBundle{
		config: &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots, NextProtos: []string{"http/1.1"},
		},
		names: cert.Leaf,
	}, nil
}

// loadClient returns the TLS configuration of a client.
func loadClient(dir string) (*tls.Config, error) {
	roots, cert, err := loadBundle(dir, fileClientCert, fileClientKey)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, RootCAs: roots}, nil
}

func loadBundle(dir, certFile, keyFile string) (*x509.CertPool, tls.Certificate, error) {
	fail := func(err error) (*x509.CertPool, tls.Certificate, error) {
		return nil, tls.Certificate{}, fmt.Errorf("certificates in %s: %w", dir, err)
	}
	key, err := readPrivate(filepath.Join(dir, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fail(fmt.Errorf("expected %s, %s and %s, as 'hotreload pki init' writes them: %w", fileCA, certFile, keyFile, err))
	} else if err != nil {
		return fail(err)
	}
	chain, err := os.ReadFile(filepath.Join(dir, certFile))
	if err != nil {
		return fail(err)
	}
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return fail(err)
	}
	if now := time.Now(); now.After(cert.Leaf.NotAfter) || now.Before(cert.Leaf.NotBefore) {
		return fail(fmt.Errorf("%s: expected a certificate that is valid now, got one for %s to %s: make a new one",
			certFile, cert.Leaf.NotBefore.Format(time.DateTime), cert.Leaf.NotAfter.Format(time.DateTime)))
	}
	authority, err := os.ReadFile(filepath.Join(dir, fileCA))
	if err != nil {
		return fail(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return fail(fmt.Errorf("%s: expected a certificate in PEM", fileCA))
	}
	return roots, cert, nil
}

// pass implements gate. The handshake has verified the certificate; that it is still valid counts for each request.
func (b *serverBundle) pass(r *http.Request) (visitor, *Problem) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return visitor{}, problem(http.StatusUnauthorized, "unauthorized", "expected a client certificate, got none")
	}
	cert := r.TLS.PeerCertificates[0]
	if time.Now().After(cert.NotAfter) {
		return visitor{}, problem(http.StatusUnauthorized, "unauthorized", "the client certificate has expired at %s", cert.NotAfter.Format(time.DateTime))
	}
	if len(cert.Subject.OrganizationalUnit) == 1 {
		if role, err := ParseRole(cert.Subject.OrganizationalUnit[0]); err == nil {
			return visitor{role, fmt.Sprintf("%q (%s)", cert.Subject.CommonName, role)}, nil
		}
	}
	return visitor{}, problem(http.StatusForbidden, "forbidden",
		"expected a client certificate whose organizational unit is read, operate or deploy, got %q", cert.Subject.OrganizationalUnit)
}

// host implements gate.
func (b *serverBundle) host(name string) bool { return b.names.VerifyHostname(name) == nil }
