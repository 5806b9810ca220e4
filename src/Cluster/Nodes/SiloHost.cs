using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Configuration;
using Orleans.Connections.Security;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Serialization;

namespace WebMessenger.Cluster.Nodes;

/// <summary>The silo of this node, in a host of its own: the web application knows nothing of it.</summary>
internal static class SiloHost
{
    /// <summary>All nodes that use one database are one deployment of Orleans.</summary>
    public const string Deployment = "webmessenger";

    /// <summary>Builds it; nothing listens yet.</summary>
    /// <param name="ended">Called with the reason when Orleans has found that this silo was declared dead.</param>
    public static IHost Build(NodeOptions options, string name, ILoggerFactory loggers, Action<string> ended)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new() { ApplicationName = "WebMessenger", EnvironmentName = Environments.Production });
        builder.Services.AddSingleton<ILoggerFactory>(new QuietLoggers(loggers));
        // The program hears signals itself, and stops the silo when its turn has come.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(options);
        builder.UseOrleans(silo =>
        {
            AddMembership(silo, options, name);
            new SiloDoor(loggers.CreateLogger<SiloDoor>()).Add(silo, options.Certificate is null ? null : () => AddTls(silo, options));
            silo.Services.AddSerializer(serializer => serializer.AddAssembly(typeof(NodeService).Assembly));
            silo.Services.AddSingleton<IFatalErrorHandler>(new FatalErrors(ended));
            silo.AddGrainService<NodeService>();
            silo.Services.AddSingleton<LinkIntake>().AddSingleton<NodeServices>();
        });
        return builder.Build();
    }

    private static void AddMembership(ISiloBuilder silo, NodeOptions options, string name)
    {
        NpgsqlConnectionStringBuilder text = new(options.Postgres) { ApplicationName = name, MaxPoolSize = ConnectionCounts.Membership, Timeout = 5, CommandTimeout = 5 };
        silo.UseAdoNetClustering(clustering => (clustering.Invariant, clustering.ConnectionString) = ("Npgsql", text.ConnectionString));
        silo.Configure<ClusterOptions>(cluster => (cluster.ClusterId, cluster.ServiceId) = (Deployment, Deployment));
        silo.Configure<SiloOptions>(own => own.SiloName = name);

        // No gateway: nobody is a mere client.
        silo.Configure<EndpointOptions>(endpoint => (endpoint.AdvertisedIPAddress, endpoint.SiloPort, endpoint.GatewayPort, endpoint.SiloListeningEndpoint) =
            (options.Address, options.Port, 0, new(options.Address, options.Port)));

        // As measured: others know of a kill within two seconds.
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = TimeSpan.FromSeconds(1);
            membership.NumMissedProbesLimit = 2;
            membership.NumVotesForDeathDeclaration = 2;
            membership.TableRefreshTimeout = TimeSpan.FromSeconds(10);
            membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
            membership.MaxJoinAttemptTime = TimeSpan.FromSeconds(30);
        });
        silo.Configure<ConnectionOptions>(connection =>
            (connection.OpenConnectionTimeout, connection.ConnectionRetryDelay) = (TimeSpan.FromSeconds(1.5), TimeSpan.FromMilliseconds(200)));
        silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(5));
    }

    private static void AddTls(ISiloBuilder silo, NodeOptions options)
    {
        var own = X509Certificate2.CreateFromPemFile(options.Certificate!, options.CertificateKey);
        NodeTrust trust = new(X509CertificateLoader.LoadCertificateFromFile(options.Authority!));
        silo.UseTls(own, tls =>
        {
            tls.HandshakeTimeout = SiloDoor.Patience;
            tls.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
            tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
            tls.RemoteCertificateValidation = (certificate, _, _) => trust.Trusts(certificate);
            tls.OnAuthenticateAsClient = (_, client) => client.TargetHost = options.Address.ToString();
        });
    }

    /// <summary>Orleans ends the process otherwise, by itself and without a word to the clients.</summary>
    private sealed class FatalErrors(Action<string> ended) : IFatalErrorHandler
    {
        public bool IsUnexpected(Exception exception) => exception is not OperationCanceledException;

        public void OnFatalException(object? sender, string? context, Exception? exception) => ended(context ?? exception?.Message ?? "unknown");
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
