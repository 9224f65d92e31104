package control

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// PKI says what certificates to make.
type PKI struct {
	Dir   string        // where; must not exist
	Hosts []string      // names and addresses of the server
	Valid time.Duration // of the server's and clients' certificates
	CA    time.Duration // validity of the authority's
}

// Init makes a certificate authority and what it vouches for, in one directory for each end: server, and read, operate
// and deploy for clients of that role. Each holds all that this end needs and no more, so that it can be copied there.
// The authority's own key is in the directory above them, and no host or client needs it.
func (p PKI) Init() error {
	if err := os.Mkdir(p.Dir, 0o700); err != nil {
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("certificates: expected a directory that does not exist yet, got %s", p.Dir)
		}
		return fmt.Errorf("certificates: %w", err)
	}
	ca, err := p.authority()
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	if err := ca.write(p.Dir, fileCA, "ca.key"); err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	server := p.template("hotreload server", p.Valid)
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range p.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, host)
		}
	}
	if err := ca.issue(filepath.Join(p.Dir, "server"), server, fileServerCert, fileServerKey); err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	for _, role := range Roles {
		client := p.template("hotreload "+role.String(), p.Valid)
		client.Subject.OrganizationalUnit = []string{role.String()}
		client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		if err := ca.issue(filepath.Join(p.Dir, role.String()), client, fileClientCert, fileClientKey); err != nil {
			return fmt.Errorf("certificates: %w", err)
		}
	}
	return nil
}

// identity is a certificate and its key.
type identity struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (p PKI) authority() (*identity, error) {
	template := p.template("hotreload authority", p.CA)
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	return (&identity{cert: template}).sign(template)
}

func (p PKI) template(name string, valid time.Duration) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: name, Organization: []string{"hotreload"}},
		NotBefore: now.Add(-5 * time.Minute), NotAfter: now.Add(valid), // clocks differ
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// sign makes a key and a certificate for it after the template; without a key, an authority signs itself.
func (i *identity) sign(template *x509.Certificate) (*identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	signer := i.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.cert, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &identity{cert, key}, err
}

// issue fills a new directory with a new identity and the authority's certificate.
func (i *identity) issue(dir string, template *x509.Certificate, certFile, keyFile string) error {
	issued, err := i.sign(template)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, fileCA), "CERTIFICATE", i.cert.Raw, 0o644); err != nil {
		return err
	}
	return issued.write(dir, certFile, keyFile)
}

func (i *identity) write(dir, certFile, keyFile string) error {
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		return err
	}
	return errors.Join(
		writePEM(filepath.Join(dir, certFile), "CERTIFICATE", i.cert.Raw, 0o644),
		writePEM(filepath.Join(dir, keyFile), "PRIVATE KEY", der, 0o600),
	)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}
