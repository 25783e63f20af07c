; The setup program for Windows: for one person, without administrator rights.
; packaging/pack_windows.py calls Inno Setup 6 with Version, Source, Icon, Out and Name.

#ifndef Version
  #error Build it with: python dev.py bundle
#endif

[Setup]
AppId={{6E2D2A0B-7B4C-4B57-9C0E-5A1F0C8D7E31}
AppName=initviz
AppVersion={#Version}
AppVerName=initviz {#Version}
AppPublisher=initviz contributors
DefaultDirName={autopf}\initviz
DefaultGroupName=initviz
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
ChangesAssociations=yes
CloseApplications=yes
Compression=lzma2/max
SolidCompression=yes
OutputDir={#Out}
OutputBaseFilename={#Name}
SetupIconFile={#Icon}
UninstallDisplayIcon={app}\initviz.exe
UninstallDisplayName=initviz
WizardStyle=modern

[Tasks]
Name: desktopicon; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked
Name: path; Description: "Let a terminal find initviz-console, for run, export and check"; Flags: unchecked

[InstallDelete]
; Of a version before nothing may stay that this one does not bring.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Source}\*"; DestDir: "{app}"; Flags: recursesubdirs createallsubdirs ignoreversion

[Icons]
Name: "{autoprograms}\initviz"; Filename: "{app}\initviz.exe"; AppUserModelID: "initviz"
Name: "{autodesktop}\initviz"; Filename: "{app}\initviz.exe"; AppUserModelID: "initviz"; Tasks: desktopicon

[Registry]
; Recordings open with a double click.
Root: HKA; Subkey: "Software\Classes\.initviz"; ValueType: string; ValueData: "initviz.recording"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.initviz"; ValueType: string; ValueName: "Content Type"; ValueData: "application/x-initviz"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.initviz\OpenWithProgids"; ValueType: string; ValueName: "initviz.recording"; ValueData: ""; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\initviz.recording"; ValueType: string; ValueData: "initviz recording"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\initviz.recording\DefaultIcon"; ValueType: string; ValueData: "{app}\initviz.exe,0"
Root: HKA; Subkey: "Software\Classes\initviz.recording\shell\open\command"; ValueType: string; ValueData: """{app}\initviz.exe"" ""%1"""
; Lectures and experiments are offered under "Open with" and never taken by themselves.
Root: HKA; Subkey: "Software\Classes\initviz.document"; ValueType: string; ValueData: "initviz lecture or experiment"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\initviz.document\shell\open\command"; ValueType: string; ValueData: """{app}\initviz.exe"" ""%1"""
Root: HKA; Subkey: "Software\Classes\.md\OpenWithProgids"; ValueType: string; ValueName: "initviz.document"; ValueData: ""; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.toml\OpenWithProgids"; ValueType: string; ValueName: "initviz.document"; ValueData: ""; Flags: uninsdeletevalue
; Only what was asked for is put on the person's path, once.
Root: HKCU; Subkey: "Environment"; ValueType: expandsz; ValueName: "Path"; ValueData: "{olddata};{app}"; Tasks: path; Check: IsNotOnPath

[Run]
Filename: "{app}\initviz.exe"; Description: "{cm:LaunchProgram,initviz}"; Flags: nowait postinstall skipifsilent

[Code]
function IsNotOnPath: Boolean;
var
  Known: String;
begin
  if not RegQueryStringValue(HKCU, 'Environment', 'Path', Known) then
    Known := '';
  Result := Pos(';' + Uppercase(ExpandConstant('{app}')) + ';', ';' + Uppercase(Known) + ';') = 0;
end;

procedure CurUninstallStepChanged(Step: TUninstallStep);
var
  Known, Ours: String;
  Place: Integer;
begin
  if Step <> usPostUninstall then
    exit;
  Ours := ';' + ExpandConstant('{app}');
  if RegQueryStringValue(HKCU, 'Environment', 'Path', Known) then
  begin
    Place := Pos(Uppercase(Ours) + ';', Uppercase(Known) + ';');
    if Place > 0 then
    begin
      Delete(Known, Place, Length(Ours));
      RegWriteExpandStringValue(HKCU, 'Environment', 'Path', Known);
    end;
  end;
end;
