using System.Net;

namespace WebMessenger.Broker.Settings;

/// <summary>`WebMessenger:Cluster`, given only with a database: this program is one of several that serve one house.</summary>
/// <param name="Postgres">A connection string of Npgsql; a secret.</param>
/// <param name="Address">Where the other nodes reach this one, and nobody else may.</param>
/// <param name="Port">0: any free port.</param>
/// <param name="Certificate">A PEM file, absolute: by which the nodes know each other. Null: none, and all are on this machine.</param>
/// <param name="CertificateKey">A PEM file, absolute; the same one if both are in it.</param>
/// <param name="Authority">A PEM file, absolute: who has signed the certificates of the nodes, and of nobody else.</param>
/// <param name="ReadConnections">On which this node reads events and records from the database.</param>
/// <param name="DrainSeconds">Over which a node that stops sends its clients to the others.</param>
internal sealed record ClusterSettings(
    string Postgres, IPAddress Address, int Port, string? Certificate, string? CertificateKey, string? Authority, int ReadConnections, int DrainSeconds)
{
    private const string
        PostgresKey = "Cluster:Postgres", AddressKey = "Cluster:Address", PortKey = "Cluster:Port", CertificateName = "Cluster:Certificate",
        KeyName = "Cluster:CertificateKey", AuthorityName = "Cluster:Authority", ReadKey = "Cluster:ReadConnections", DrainKey = "Cluster:DrainSeconds";

    public static IReadOnlyList<string> Keys { get; } = [PostgresKey, AddressKey, PortKey, CertificateName, KeyName, AuthorityName, ReadKey, DrainKey];

    /// <summary>Null: this program is alone, with files of its own.</summary>
    /// <exception cref="StartupException">One line that names the key.</exception>
    public static ClusterSettings? Read(IConfigurationSection section)
    {
        var address = SettingsReader.Address(section, AddressKey);
        var port = SettingsReader.Number(section, PortKey, 11_111, 0, 65_535);
        var reads = SettingsReader.Number(section, ReadKey, 16, 2, 200);
        var drain = SettingsReader.Number(section, DrainKey, 5, 0, 60);
        string? Path(string key) => SettingsReader.Optional(section, key) is { } path ? System.IO.Path.GetFullPath(path) : null;
        var (certificate, key, authority) = (Path(CertificateName), Path(KeyName), Path(AuthorityName));
        if (SettingsReader.Optional(section, PostgresKey) is not { } postgres)
        {
            return null;
        }

        if (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            throw SettingsReader.Bad(section, AddressKey, address.ToString(), "the one address of this machine at which the other nodes reach it, such as 10.0.0.5");
        }

        if (certificate is null != authority is null || (certificate is null && key is not null))
        {
            throw new StartupException(
                $"Of the settings {section.Path}:{CertificateName}, {KeyName} and {AuthorityName} some are missing; set certificate and authority, or none.");
        }

        if (/* guard: nodes know each other beyond one machine */ certificate is null && !IPAddress.IsLoopback(address))
        {
            throw new StartupException(
                $"The setting {section.Path}:{AddressKey} is '{address}', which others can reach; it needs {section.Path}:{CertificateName} and {AuthorityName}.");
        }

        return new ClusterSettings(postgres, address, port, certificate, key ?? certificate, authority, reads, drain);
    }

    // A record would print the password.
    public override string ToString() => $"{Address}:{Port}";
}
