using System.Net;

namespace WebMessenger.Load.Wire;

/// <summary>Where clients come in.</summary>
internal sealed record Door(IPEndPoint Address, bool IsWebSocket);
