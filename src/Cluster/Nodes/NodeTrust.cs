using System.Security.Cryptography.X509Certificates;

namespace WebMessenger.Cluster.Nodes;

/// <summary>Who is a node: whoever has a certificate that the house's authority has signed.</summary>
internal sealed class NodeTrust(X509Certificate2 authority)
{
    /// <summary>Whatever the machine trusts besides says nothing here.</summary>
    public bool Trusts(X509Certificate2? certificate)
    {
        if (certificate is null)
        {
            return false;
        }

        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return /* guard: a node's certificate is of the house's authority */ chain.Build(certificate);
    }
}
