using Microsoft.Extensions.Configuration;

namespace WebMessenger.Broker.Settings;

/// <summary>Whether one setting could have a value in the file: what is changed while the server runs has the same bounds.</summary>
internal static class SettingCheck
{
    /// <summary>Null: a setting may have this value in the file. Else what it must be, in words.</summary>
    /// <param name="name">Below `WebMessenger`.</param>
    public static string? WhyNot(string name, string value)
    {
        try
        {
            SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection([new("WebMessenger:" + name, value)]).Build());
            return null;
        }
        catch (StartupException error)
        {
            return error.Message;
        }
    }
}
