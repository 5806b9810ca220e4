using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Npgsql;
using WebMessenger.Cluster.Nodes;

namespace WebMessenger.Cluster.Checks;

/// <summary>The nodes that are there: their leases, versions, and the certificates at the ports where they know each other.</summary>
internal sealed class NodesCheck(NpgsqlConnection database, HouseOptions options, TimeProvider time)
{
    /// <summary>A lease that was renewed within it is fresh (decision 36).</summary>
    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _soon = TimeSpan.FromDays(30);

    public async Task<IReadOnlyList<CheckRow>> RunAsync(CancellationToken cancellation)
    {
        List<CheckRow> rows = [OwnCertificate()];
        var nodes = await NodesAsync(cancellation);
        if (nodes.Count == 0)
        {
            rows.Add(new CheckRow("nodes", "none is running", CheckVerdict.Advice, "Start one."));
            return rows;
        }

        if (nodes.Select(node => node.Version).Distinct().Count() is > 1 and var versions)
        {
            rows.Add(new CheckRow("versions", $"{versions} different ones", CheckVerdict.Advice, "Neighbouring versions run side by side: bring the others up as well."));
        }

        foreach (var node in nodes)
        {
            var isFresh = node.Age <= _lease;
            rows.Add(CheckRow.If(
                isFresh && !node.IsDead, $"node {node.Name}",
                string.Create(CultureInfo.InvariantCulture, $"{node.Address}, version {node.Version}, {(node.IsDead ? "declared dead" : $"lease renewed {node.Age.TotalSeconds:F1} s ago")}"),
                CheckVerdict.Advice, node.IsDead ? "It ends by itself, or has; its row goes after a day." : "It writes nothing to its clients: look at its log, and its way to the database."));
            if (isFresh && !node.IsDead && options.Certificate is not null)
            {
                rows.Add(await PortAsync(node.Name, node.Address, cancellation));
            }
        }

        return rows;
    }

    private CheckRow OwnCertificate()
    {
        if (options.Certificate is null || options.Authority is null)
        {
            return CheckRow.If(
                IPAddress.IsLoopback(options.Address), "node ports", $"without TLS, at {options.Address}", CheckVerdict.Wrong, "Beyond this machine nodes know each other by certificates: docs/cluster.md says how to make them.");
        }

        try
        {
            using var own = X509Certificate2.CreateFromPemFile(options.Certificate, options.CertificateKey);
            using var authority = X509CertificateLoader.LoadCertificateFromFile(options.Authority);
            var ends = own.NotAfter.ToUniversalTime() < authority.NotAfter.ToUniversalTime() ? own.NotAfter.ToUniversalTime() : authority.NotAfter.ToUniversalTime();
            return Until("certificate", ends);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException)
        {
            return new CheckRow("certificate", error.Message.ReplaceLineEndings(" "), CheckVerdict.Wrong, "Make it as docs/cluster.md says, readable by the user of the program.");
        }
    }

    private CheckRow Until(string what, DateTime ends)
    {
        var left = ends - time.GetUtcNow().UtcDateTime;
        return left <= TimeSpan.Zero
            ? new CheckRow(what, $"ended on {ends:yyyy-MM-dd}", CheckVerdict.Wrong, "Make another one: nodes no longer let each other in.")
            : CheckRow.If(left > _soon, what, $"good until {ends:yyyy-MM-dd}", CheckVerdict.Advice, "Make another one before.");
    }

    // As another node would: with the own certificate, and letting in whom the authority has signed.
    private async Task<CheckRow> PortAsync(string node, string address, CancellationToken cancellation)
    {
        var what = $"port of {node}";
        try
        {
            using var own = X509Certificate2.CreateFromPemFile(options.Certificate!, options.CertificateKey);
            using var authority = X509CertificateLoader.LoadCertificateFromFile(options.Authority!);
            var place = IPEndPoint.Parse(address);
            using TcpClient client = new();
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(_patience);
            await client.ConnectAsync(place, patience.Token);
            DateTime? ends = null;
            await using SslStream tls = new(client.GetStream());
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = place.Address.ToString(),
                    ClientCertificates = [own],
                    RemoteCertificateValidationCallback = (_, certificate, _, _) => IsSigned(certificate, authority, out ends),
                },
                patience.Token);
            return Until(what, ends!.Value);
        }
        catch (Exception error) when (error is AuthenticationException or SocketException or IOException or OperationCanceledException or FormatException or CryptographicException
            && !cancellation.IsCancellationRequested)
        {
            return new CheckRow(what, error.Message.ReplaceLineEndings(" "), CheckVerdict.Wrong, "This machine does not reach it as a node: certificate, authority, firewall.");
        }
    }

    private static bool IsSigned(X509Certificate? certificate, X509Certificate2 authority, out DateTime? ends)
    {
        ends = null;
        if (certificate is null)
        {
            return false;
        }

        using X509Certificate2 its = new(certificate);
        ends = its.NotAfter.ToUniversalTime();
        return new NodeTrust(authority).Trusts(its);
    }

    private async Task<List<Node>> NodesAsync(CancellationToken cancellation)
    {
        await using (NpgsqlCommand isThere = new("SELECT to_regclass('nodes') IS NOT NULL", database))
        {
            if (await isThere.ExecuteScalarAsync(cancellation) is not true)
            {
                return [];
            }
        }

        await using NpgsqlCommand command = new(
            "SELECT name, address, version, dead, extract(epoch FROM clock_timestamp() - renewed)::float8 FROM nodes ORDER BY started", database);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        List<Node> nodes = [];
        while (await reader.ReadAsync(cancellation))
        {
            // Orleans puts behind the address when the node was started, and the build behind the version of what it was made.
            nodes.Add(new Node(reader.GetString(0), reader.GetString(1).Split('@')[0], reader.GetString(2).Split('+')[0], reader.GetBoolean(3), TimeSpan.FromSeconds(reader.GetDouble(4))));
        }

        return nodes;
    }

    private sealed record Node(string Name, string Address, string Version, bool IsDead, TimeSpan Age);
}
