namespace WebMessenger.Broker.MqttSessions;

/// <summary>What a CONNECT found of its MQTT session.</summary>
internal enum SessionOpening
{
    /// <summary>Nothing was kept. If the client is durable, it is from now on.</summary>
    New,

    /// <summary>The client goes on where it was.</summary>
    Present,

    /// <summary>The account has as many durable clients as it may have.</summary>
    TooMany,

    /// <summary>One more client would be kept, and those there are may be counted in turn alone. Nothing has changed.</summary>
    OutOfTurn,

    /// <summary>What is kept may read more than the login session that asks.</summary>
    NotYours,

    /// <summary>The connection or its login session ended meanwhile.</summary>
    Ended,
}
