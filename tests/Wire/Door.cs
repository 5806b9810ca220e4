using System.Net;

namespace WebMessenger.Wire.Testing;

/// <summary>Where clients come in.</summary>
internal sealed record Door(IPEndPoint Address, bool IsWebSocket);
